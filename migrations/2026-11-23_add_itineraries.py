"""Add itineraries.

Made on 2026-11-23 by `rowgate migrate revision`. Read it, change it where needed, and commit it.
"""

from gateway.migrate.statements import execute

revision = "c6717ef47a50"
down_revision = "7b43af44f4cb"

# What is lost with it; `rowgate migrate` refuses to run it without --allow-destructive unless this is empty.
destroys: tuple[str, ...] = ()

# The numbers of the fields that columns are made from: by them a field is known that gets another name.
fields = {
    ("public", "airline", "carrier"): 1,
    ("public", "airline", "name"): 2,
    ("public", "airline", "deleted_at"): 3,
    ("public", "weather", "origin"): 1,
    ("public", "weather", "observation_time"): 2,
    ("public", "weather", "temperature_fahrenheit"): 3,
    ("public", "weather", "dew_point_fahrenheit"): 4,
    ("public", "weather", "relative_humidity_percent"): 5,
    ("public", "weather", "wind_direction_degrees"): 6,
    ("public", "weather", "wind_speed_mph"): 7,
    ("public", "weather", "wind_gust_mph"): 8,
    ("public", "weather", "precipitation_inches"): 9,
    ("public", "weather", "pressure_millibars"): 10,
    ("public", "weather", "visibility_miles"): 11,
    ("public", "weather", "deleted_at"): 12,
    ("public", "airport", "faa"): 1,
    ("public", "airport", "name"): 2,
    ("public", "airport", "latitude"): 3,
    ("public", "airport", "longitude"): 4,
    ("public", "airport", "altitude_feet"): 5,
    ("public", "airport", "utc_offset_hours"): 6,
    ("public", "airport", "daylight_saving"): 7,
    ("public", "airport", "time_zone"): 8,
    ("public", "airport", "deleted_at"): 9,
    ("public", "plane", "tail_number"): 1,
    ("public", "plane", "manufacture_year"): 2,
    ("public", "plane", "type"): 3,
    ("public", "plane", "manufacturer"): 4,
    ("public", "plane", "model"): 5,
    ("public", "plane", "engine_count"): 6,
    ("public", "plane", "seat_count"): 7,
    ("public", "plane", "cruising_speed_mph"): 8,
    ("public", "plane", "engine_type"): 9,
    ("public", "plane", "deleted_at"): 10,
    ("public", "flight", "id"): 1,
    ("public", "flight", "carrier"): 2,
    ("public", "flight", "flight_number"): 3,
    ("public", "flight", "origin"): 4,
    ("public", "flight", "destination"): 5,
    ("public", "flight", "scheduled_departure_time"): 6,
    ("public", "flight", "departure_delay_minutes"): 7,
    ("public", "flight", "tail_number"): 8,
    ("public", "flight", "departure_time"): 9,
    ("public", "flight", "scheduled_arrival_time"): 10,
    ("public", "flight", "arrival_time"): 11,
    ("public", "flight", "arrival_delay_minutes"): 12,
    ("public", "flight", "air_time_minutes"): 13,
    ("public", "flight", "distance_miles"): 14,
    ("public", "flight", "version"): 15,
    ("public", "flight", "created_at"): 17,
    ("public", "flight", "updated_at"): 18,
    ("public", "flight", "deleted_at"): 19,
    ("public", "itinerary", "id"): 1,
    ("public", "itinerary", "traveller"): 2,
    ("public", "itinerary", "created_at"): 3,
    ("public", "itinerary_leg", "itinerary_id"): 1,
    ("public", "itinerary_leg", "leg_number"): 2,
    ("public", "itinerary_leg", "flight_id"): 3,
}


def upgrade() -> None:
    """Bring the database from the revision before to this one."""
    # table public.itinerary is missing
    execute(
        """
        CREATE TABLE public.itinerary (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            traveller text NOT NULL,
            created_at timestamp with time zone NOT NULL,
            CONSTRAINT itinerary_pkey PRIMARY KEY (id),
            CONSTRAINT itinerary_traveller_check CHECK ((traveller <> ''::text))
        )
        """
    )
    # table public.itinerary_leg is missing
    execute(
        """
        CREATE TABLE public.itinerary_leg (
            itinerary_id uuid NOT NULL,
            leg_number integer NOT NULL,
            flight_id uuid NOT NULL,
            CONSTRAINT itinerary_leg_pkey PRIMARY KEY (itinerary_id, leg_number),
            CONSTRAINT itinerary_leg_leg_number_check CHECK ((leg_number > 0))
        )
        """
    )
    # index itinerary_traveller_idx of public.itinerary is missing
    execute("CREATE INDEX itinerary_traveller_idx ON public.itinerary USING btree (traveller)")
    # index itinerary_leg_flight_id_idx of public.itinerary_leg is missing
    execute("CREATE INDEX itinerary_leg_flight_id_idx ON public.itinerary_leg USING btree (flight_id)")
    # foreign key itinerary_leg_itinerary_id_fkey of public.itinerary_leg is missing
    execute(
        """
        ALTER TABLE public.itinerary_leg ADD CONSTRAINT itinerary_leg_itinerary_id_fkey FOREIGN KEY (itinerary_id) REFERENCES public.itinerary (id) ON DELETE CASCADE
        """
    )
    # foreign key itinerary_leg_flight_id_fkey of public.itinerary_leg is missing
    execute(
        """
        ALTER TABLE public.itinerary_leg ADD CONSTRAINT itinerary_leg_flight_id_fkey FOREIGN KEY (flight_id) REFERENCES public.flight (id) ON DELETE RESTRICT
        """
    )
    # table public.itinerary is missing: its comment
    execute("COMMENT ON TABLE public.itinerary IS 'A traveller''s itinerary.'")
    # column public.itinerary.id is missing: its comment
    execute(
        """
        COMMENT ON COLUMN public.itinerary.id IS 'The id, a UUID. The server makes one where a new itinerary has none.'
        """
    )
    # column public.itinerary.traveller is missing: its comment
    execute("COMMENT ON COLUMN public.itinerary.traveller IS 'Who travels.'")
    # column public.itinerary.created_at is missing: its comment
    execute("COMMENT ON COLUMN public.itinerary.created_at IS 'When it was booked.'")
    # table public.itinerary_leg is missing: its comment
    execute("COMMENT ON TABLE public.itinerary_leg IS 'One flight of an itinerary.'")
    # column public.itinerary_leg.itinerary_id is missing: its comment
    execute("COMMENT ON COLUMN public.itinerary_leg.itinerary_id IS 'The itinerary.'")
    # column public.itinerary_leg.leg_number is missing: its comment
    execute("COMMENT ON COLUMN public.itinerary_leg.leg_number IS 'The leg''s place in it, from 1.'")
    # column public.itinerary_leg.flight_id is missing: its comment
    execute("COMMENT ON COLUMN public.itinerary_leg.flight_id IS 'The flight.'")
