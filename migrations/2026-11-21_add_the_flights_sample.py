"""add the flights sample.

Made on 2026-11-21 by `rowgate migrate revision`. Read it, change it where needed, and commit it.
"""

from gateway.migrate.statements import execute

revision = "bc46f8ef1f72"
down_revision = None

# What is lost with it; `rowgate migrate` refuses to run it without --allow-destructive unless this is empty.
destroys: tuple[str, ...] = ()


def upgrade() -> None:
    """Bring the database from the revision before to this one."""
    execute("CREATE SCHEMA IF NOT EXISTS rowgate")
    execute(
        """
        CREATE TABLE public.airline (
            carrier text NOT NULL,
            name text NOT NULL,
            deleted_at timestamp with time zone,
            CONSTRAINT airline_pkey PRIMARY KEY (carrier),
            CONSTRAINT airline_carrier_check CHECK ((length(carrier) = 2)),
            CONSTRAINT airline_name_check CHECK ((name <> ''::text))
        )
        """
    )
    execute(
        """
        CREATE TABLE public.airport (
            faa text NOT NULL,
            name text NOT NULL,
            latitude double precision NOT NULL,
            longitude double precision NOT NULL,
            altitude_feet integer NOT NULL,
            utc_offset_hours integer NOT NULL,
            daylight_saving text NOT NULL,
            time_zone text,
            deleted_at timestamp with time zone,
            CONSTRAINT airport_pkey PRIMARY KEY (faa),
            CONSTRAINT airport_daylight_saving_check CHECK ((daylight_saving = ANY (ARRAY['DAYLIGHT_SAVING_UNSPECIFIED'::text, 'DAYLIGHT_SAVING_US'::text, 'DAYLIGHT_SAVING_NONE'::text, 'DAYLIGHT_SAVING_UNKNOWN'::text]))),
            CONSTRAINT airport_faa_check CHECK ((length(faa) = 3)),
            CONSTRAINT airport_latitude_check CHECK (((latitude >= ('-90'::integer)::double precision) AND (latitude <= (90)::double precision))),
            CONSTRAINT airport_longitude_check CHECK (((longitude >= ('-180'::integer)::double precision) AND (longitude <= (180)::double precision)))
        )
        """
    )
    execute(
        """
        CREATE TABLE public.flight (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            carrier text NOT NULL,
            flight_number integer NOT NULL,
            origin text NOT NULL,
            destination text NOT NULL,
            scheduled_departure_time timestamp with time zone NOT NULL,
            departure_delay_minutes integer,
            tail_number text,
            departure_time timestamp with time zone,
            scheduled_arrival_time timestamp with time zone NOT NULL,
            arrival_time timestamp with time zone,
            arrival_delay_minutes integer,
            air_time_minutes integer,
            distance_miles integer NOT NULL,
            version bigint NOT NULL,
            created_at timestamp with time zone NOT NULL,
            updated_at timestamp with time zone NOT NULL,
            deleted_at timestamp with time zone,
            CONSTRAINT flight_pkey PRIMARY KEY (id),
            CONSTRAINT flight_carrier_key UNIQUE (carrier, flight_number, origin, scheduled_departure_time),
            CONSTRAINT flight_air_time_minutes_check CHECK ((air_time_minutes > 0)),
            CONSTRAINT flight_distance_miles_check CHECK ((distance_miles > 0)),
            CONSTRAINT flight_flight_number_check CHECK ((flight_number > 0)),
            CONSTRAINT flight_origin_check CHECK ((origin <> destination))
        )
        """
    )
    execute(
        """
        CREATE TABLE public.plane (
            tail_number text NOT NULL,
            manufacture_year integer,
            type text NOT NULL,
            manufacturer text NOT NULL,
            model text NOT NULL,
            engine_count integer NOT NULL,
            seat_count integer NOT NULL,
            cruising_speed_mph integer,
            engine_type text NOT NULL,
            deleted_at timestamp with time zone,
            CONSTRAINT plane_pkey PRIMARY KEY (tail_number),
            CONSTRAINT plane_engine_count_check CHECK ((engine_count > 0)),
            CONSTRAINT plane_engine_type_check CHECK ((engine_type = ANY (ARRAY['ENGINE_TYPE_UNSPECIFIED'::text, 'ENGINE_TYPE_FOUR_CYCLE'::text, 'ENGINE_TYPE_RECIPROCATING'::text, 'ENGINE_TYPE_TURBO_FAN'::text, 'ENGINE_TYPE_TURBO_JET'::text, 'ENGINE_TYPE_TURBO_PROP'::text, 'ENGINE_TYPE_TURBO_SHAFT'::text]))),
            CONSTRAINT plane_seat_count_check CHECK ((seat_count > 0)),
            CONSTRAINT plane_type_check CHECK ((type = ANY (ARRAY['PLANE_TYPE_UNSPECIFIED'::text, 'PLANE_TYPE_FIXED_WING_SINGLE_ENGINE'::text, 'PLANE_TYPE_FIXED_WING_MULTI_ENGINE'::text, 'PLANE_TYPE_ROTORCRAFT'::text])))
        )
        """
    )
    execute(
        """
        CREATE TABLE public.weather (
            origin text NOT NULL,
            observation_time timestamp with time zone NOT NULL,
            temperature_fahrenheit double precision,
            dew_point_fahrenheit double precision,
            relative_humidity_percent double precision,
            wind_direction_degrees integer,
            wind_speed_mph double precision,
            wind_gust_mph double precision,
            precipitation_inches double precision NOT NULL,
            pressure_millibars double precision,
            visibility_miles double precision NOT NULL,
            deleted_at timestamp with time zone,
            CONSTRAINT weather_pkey PRIMARY KEY (origin, observation_time),
            CONSTRAINT weather_precipitation_inches_check CHECK ((precipitation_inches >= (0)::double precision)),
            CONSTRAINT weather_relative_humidity_percent_check CHECK (((relative_humidity_percent >= (0)::double precision) AND (relative_humidity_percent <= (100)::double precision))),
            CONSTRAINT weather_wind_direction_degrees_check CHECK (((wind_direction_degrees >= 0) AND (wind_direction_degrees <= 360)))
        )
        """
    )
    execute(
        """
        CREATE TABLE rowgate.idempotency (
            principal text NOT NULL,
            method text NOT NULL,
            request_id uuid NOT NULL,
            body_hash bytea NOT NULL,
            response bytea DEFAULT '\\x'::bytea NOT NULL,
            created_at timestamp with time zone DEFAULT now() NOT NULL,
            CONSTRAINT idempotency_pkey PRIMARY KEY (principal, method, request_id)
        )
        """
    )
    execute("CREATE INDEX airport_name_idx ON public.airport USING btree (name)")
    execute(
        """
        CREATE INDEX flight_carrier_idx ON public.flight USING btree (carrier, departure_delay_minutes)
        """
    )
    execute(
        """
        CREATE INDEX flight_origin_idx ON public.flight USING btree (origin, scheduled_departure_time)
        """
    )
    execute(
        """
        CREATE INDEX flight_tail_number_idx ON public.flight USING btree (tail_number) WHERE (tail_number IS NOT NULL)
        """
    )
    execute("CREATE INDEX plane_manufacturer_idx ON public.plane USING btree (manufacturer, model)")
    execute("CREATE INDEX weather_observation_time_idx ON public.weather USING btree (observation_time)")
    execute("CREATE INDEX idempotency_created_at_idx ON rowgate.idempotency USING btree (created_at)")
    execute(
        """
        ALTER TABLE public.flight ADD CONSTRAINT flight_origin_fkey FOREIGN KEY (origin) REFERENCES public.airport (faa) ON DELETE RESTRICT
        """
    )
    execute(
        """
        ALTER TABLE public.flight ADD CONSTRAINT flight_carrier_fkey FOREIGN KEY (carrier) REFERENCES public.airline (carrier) ON DELETE RESTRICT
        """
    )
    execute(
        """
        ALTER TABLE public.weather ADD CONSTRAINT weather_origin_fkey FOREIGN KEY (origin) REFERENCES public.airport (faa) ON DELETE RESTRICT
        """
    )
    execute("COMMENT ON TABLE public.airline IS 'An airline.'")
    execute(
        """
        COMMENT ON COLUMN public.airline.carrier IS 'The carrier code of two characters, such as `UA`.'
        """
    )
    execute("COMMENT ON COLUMN public.airline.name IS 'The full name, such as `United Air Lines Inc.`.'")
    execute(
        """
        COMMENT ON COLUMN public.airline.deleted_at IS 'When the airline was deleted; unset while it is not.'
        """
    )
    execute("COMMENT ON TABLE public.airport IS 'An airport.'")
    execute(
        """
        COMMENT ON COLUMN public.airport.faa IS 'The code of three characters that the Federal Aviation Administration gave it, such as `JFK`.'
        """
    )
    execute("COMMENT ON COLUMN public.airport.name IS 'The usual name.'")
    execute("COMMENT ON COLUMN public.airport.latitude IS 'Degrees north.'")
    execute("COMMENT ON COLUMN public.airport.longitude IS 'Degrees east: negative in all of America.'")
    execute(
        """
        COMMENT ON COLUMN public.airport.altitude_feet IS 'Feet above the sea; a few airports lie below it.'
        """
    )
    execute(
        """
        COMMENT ON COLUMN public.airport.utc_offset_hours IS 'Hours ahead of UTC in winter: negative in all of America.'
        """
    )
    execute(
        """
        COMMENT ON COLUMN public.airport.daylight_saving IS 'Which rule of daylight saving time holds there.'
        """
    )
    execute(
        """
        COMMENT ON COLUMN public.airport.time_zone IS 'The IANA time zone, such as `America/New_York`; unset where the data knows none.'
        """
    )
    execute(
        """
        COMMENT ON COLUMN public.airport.deleted_at IS 'When the airport was deleted; unset while it is not.'
        """
    )
    execute("COMMENT ON TABLE public.flight IS 'A flight.'")
    execute(
        """
        COMMENT ON COLUMN public.flight.id IS 'The id, a UUID. The server makes one where a new flight has none.'
        """
    )
    execute("COMMENT ON COLUMN public.flight.carrier IS 'The carrier code of the airline.'")
    execute(
        """
        COMMENT ON COLUMN public.flight.flight_number IS 'The flight''s number, such as 1545. An airline uses it again every day.'
        """
    )
    execute(
        """
        COMMENT ON COLUMN public.flight.origin IS 'The FAA code of the airport that it leaves: EWR, JFK or LGA.'
        """
    )
    execute(
        """
        COMMENT ON COLUMN public.flight.destination IS 'The FAA code of the airport that it flies to. 7,602 flights go to one of four that `airport` does not hold.'
        """
    )
    execute("COMMENT ON COLUMN public.flight.scheduled_departure_time IS 'When it was to leave.'")
    execute(
        """
        COMMENT ON COLUMN public.flight.departure_delay_minutes IS 'How late it left, in minutes; negative when early. Unset for a cancelled flight.'
        """
    )
    execute(
        """
        COMMENT ON COLUMN public.flight.tail_number IS 'The tail number of the plane, where known. 50,094 flights name one that `plane` does not hold.'
        """
    )
    execute(
        """
        COMMENT ON COLUMN public.flight.departure_time IS 'When it left. Unset for a cancelled flight.'
        """
    )
    execute("COMMENT ON COLUMN public.flight.scheduled_arrival_time IS 'When it was to arrive.'")
    execute(
        """
        COMMENT ON COLUMN public.flight.arrival_time IS 'When it arrived. Unset for a flight that was cancelled or diverted.'
        """
    )
    execute(
        """
        COMMENT ON COLUMN public.flight.arrival_delay_minutes IS 'How late it arrived, in minutes; negative when early. Unset for a flight that was cancelled or diverted.'
        """
    )
    execute(
        """
        COMMENT ON COLUMN public.flight.air_time_minutes IS 'Minutes in the air. Unset for a flight that was cancelled or diverted.'
        """
    )
    execute("COMMENT ON COLUMN public.flight.distance_miles IS 'Miles between the two airports.'")
    execute(
        """
        COMMENT ON COLUMN public.flight.version IS 'Counts the row''s versions: 1 when it is created, one more with every change.'
        """
    )
    execute("COMMENT ON COLUMN public.flight.created_at IS 'When the row was created.'")
    execute("COMMENT ON COLUMN public.flight.updated_at IS 'When the row was created or last changed.'")
    execute(
        """
        COMMENT ON COLUMN public.flight.deleted_at IS 'When the flight was deleted; unset while it is not.'
        """
    )
    execute("COMMENT ON TABLE public.plane IS 'A plane.'")
    execute("COMMENT ON COLUMN public.plane.tail_number IS 'The tail number, such as `N14228`.'")
    execute("COMMENT ON COLUMN public.plane.manufacture_year IS 'The year it was built in, where known.'")
    execute("COMMENT ON COLUMN public.plane.type IS 'What kind of aircraft it is.'")
    execute(
        """
        COMMENT ON COLUMN public.plane.manufacturer IS 'Who built it, spelled as in the register: `AIRBUS` and `AIRBUS INDUSTRIE` both occur.'
        """
    )
    execute("COMMENT ON COLUMN public.plane.model IS 'The model, such as `737-824`.'")
    execute("COMMENT ON COLUMN public.plane.engine_count IS 'How many engines it has.'")
    execute("COMMENT ON COLUMN public.plane.seat_count IS 'How many seats it has.'")
    execute(
        """
        COMMENT ON COLUMN public.plane.cruising_speed_mph IS 'The average cruising speed in miles per hour: known of 23 planes.'
        """
    )
    execute("COMMENT ON COLUMN public.plane.engine_type IS 'What kind of engines it has.'")
    execute(
        """
        COMMENT ON COLUMN public.plane.deleted_at IS 'When the plane was deleted; unset while it is not.'
        """
    )
    execute(
        "COMMENT ON TABLE public.weather IS 'The weather at one airport at one hour.\n\nThe key holds the moment, not the local hour: when the clocks went back on 3 November 2013, the hour from one to two\npassed twice.'"
    )
    execute("COMMENT ON COLUMN public.weather.origin IS 'The FAA code of the airport: EWR, JFK or LGA.'")
    execute(
        """
        COMMENT ON COLUMN public.weather.observation_time IS 'When it was observed: the beginning of an hour.'
        """
    )
    execute("COMMENT ON COLUMN public.weather.temperature_fahrenheit IS 'Degrees Fahrenheit.'")
    execute(
        """
        COMMENT ON COLUMN public.weather.dew_point_fahrenheit IS 'The dew point in degrees Fahrenheit.'
        """
    )
    execute("COMMENT ON COLUMN public.weather.relative_humidity_percent IS 'Relative humidity.'")
    execute(
        """
        COMMENT ON COLUMN public.weather.wind_direction_degrees IS 'Where the wind comes from: 90 is east, 0 is calm.'
        """
    )
    execute("COMMENT ON COLUMN public.weather.wind_speed_mph IS 'Miles per hour. One report says 1,048.'")
    execute(
        """
        COMMENT ON COLUMN public.weather.wind_gust_mph IS 'The speed of gusts in miles per hour, where there were any.'
        """
    )
    execute(
        """
        COMMENT ON COLUMN public.weather.precipitation_inches IS 'Rain and melted snow in the hour.'
        """
    )
    execute(
        """
        COMMENT ON COLUMN public.weather.pressure_millibars IS 'Air pressure at the height of the sea.'
        """
    )
    execute(
        """
        COMMENT ON COLUMN public.weather.visibility_miles IS 'How far one could see; 10 stands for 10 or more.'
        """
    )
    execute(
        """
        COMMENT ON COLUMN public.weather.deleted_at IS 'When the report was deleted; unset while it is not.'
        """
    )
    execute(
        """
        COMMENT ON TABLE rowgate.idempotency IS 'Answers of writes that carried a request_id (AIP-155), kept for a while.'
        """
    )
