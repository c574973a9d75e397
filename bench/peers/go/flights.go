package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/protobuf/types/known/timestamppb"

	"rowgate/bench/build/flights"
)

const (
	flightColumns = `id, carrier, flight_number, origin, destination, scheduled_departure_time,
departure_delay_minutes, tail_number, departure_time, scheduled_arrival_time, arrival_time,
arrival_delay_minutes, air_time_minutes, distance_miles, version, created_at, updated_at, deleted_at`
	getFlight     = "SELECT " + flightColumns + " FROM flight WHERE id = $1"
	streamFlights = "SELECT " + flightColumns + " FROM flight WHERE deleted_at IS NULL ORDER BY id"
	updateFlight  = `UPDATE flight SET %s, version = version + 1, updated_at = now()
WHERE id = $1 AND deleted_at IS NULL RETURNING ` + flightColumns
	mergeFlights = `MERGE INTO flight AS t USING incoming AS s
ON t.carrier = s.carrier AND t.flight_number = s.flight_number AND t.origin = s.origin
AND t.scheduled_departure_time = s.scheduled_departure_time
WHEN MATCHED THEN UPDATE SET destination = s.destination,
departure_delay_minutes = s.departure_delay_minutes, tail_number = s.tail_number,
departure_time = s.departure_time, scheduled_arrival_time = s.scheduled_arrival_time,
arrival_time = s.arrival_time, arrival_delay_minutes = s.arrival_delay_minutes,
air_time_minutes = s.air_time_minutes, distance_miles = s.distance_miles,
version = t.version + 1, updated_at = now(), deleted_at = NULL
WHEN NOT MATCHED THEN INSERT (carrier, flight_number, origin, destination, scheduled_departure_time,
departure_delay_minutes, tail_number, departure_time, scheduled_arrival_time, arrival_time,
arrival_delay_minutes, air_time_minutes, distance_miles, version, created_at, updated_at)
VALUES (s.carrier, s.flight_number, s.origin, s.destination, s.scheduled_departure_time,
s.departure_delay_minutes, s.tail_number, s.departure_time, s.scheduled_arrival_time, s.arrival_time,
s.arrival_delay_minutes, s.air_time_minutes, s.distance_miles, 1, now(), now())`
)

var flightFields = []field[*flights.Flight]{
	{"carrier", func(f *flights.Flight) any { return f.Carrier }},
	{"flight_number", func(f *flights.Flight) any { return f.FlightNumber }},
	{"origin", func(f *flights.Flight) any { return f.Origin }},
	{"destination", func(f *flights.Flight) any { return f.Destination }},
	{"scheduled_departure_time", func(f *flights.Flight) any { return stored(f.ScheduledDepartureTime) }},
	{"departure_delay_minutes", func(f *flights.Flight) any { return f.DepartureDelayMinutes }},
	{"tail_number", func(f *flights.Flight) any { return f.TailNumber }},
	{"departure_time", func(f *flights.Flight) any { return stored(f.DepartureTime) }},
	{"scheduled_arrival_time", func(f *flights.Flight) any { return stored(f.ScheduledArrivalTime) }},
	{"arrival_time", func(f *flights.Flight) any { return stored(f.ArrivalTime) }},
	{"arrival_delay_minutes", func(f *flights.Flight) any { return f.ArrivalDelayMinutes }},
	{"air_time_minutes", func(f *flights.Flight) any { return f.AirTimeMinutes }},
	{"distance_miles", func(f *flights.Flight) any { return f.DistanceMiles }},
}

type flightService struct {
	flights.UnimplementedFlightServiceServer
	pool *pgxpool.Pool
}

func (s *flightService) GetFlight(ctx context.Context, r *flights.GetFlightRequest) (*flights.Flight, error) {
	return scanFlight(s.pool.QueryRow(ctx, getFlight, r.Id))
}

func (s *flightService) UpdateFlight(
	ctx context.Context, r *flights.UpdateFlightRequest,
) (*flights.Flight, error) {
	sets, values, err := assignments(r.Flight, flightFields, r.UpdateMask.GetPaths())
	if err != nil {
		return nil, err
	}
	sql := fmt.Sprintf(updateFlight, sets)
	return scanFlight(s.pool.QueryRow(ctx, sql, append([]any{r.Flight.GetId()}, values...)...))
}

func (s *flightService) BulkUpsertFlights(
	ctx context.Context, r *flights.BulkUpsertFlightsRequest,
) (*flights.BulkUpsertFlightsResponse, error) {
	written, err := upsert(ctx, s.pool, "flight", flightFields, r.Flights, mergeFlights)
	if err != nil {
		return nil, failed(err)
	}
	return &flights.BulkUpsertFlightsResponse{InsertedCount: written}, nil
}

func (s *flightService) StreamFlights(
	_ *flights.StreamFlightsRequest, answer flights.FlightService_StreamFlightsServer,
) error {
	return stream(answer.Context(), s.pool, streamFlights, scanFlight, func(chunk []*flights.Flight) error {
		return answer.Send(&flights.StreamFlightsResponse{Flights: chunk})
	})
}

func scanFlight(row pgx.Row) (*flights.Flight, error) {
	f := &flights.Flight{}
	var leaves, arrives, created, updated time.Time
	var left, arrived, deleted *time.Time
	if err := row.Scan(
		&f.Id, &f.Carrier, &f.FlightNumber, &f.Origin, &f.Destination, &leaves,
		&f.DepartureDelayMinutes, &f.TailNumber, &left, &arrives, &arrived,
		&f.ArrivalDelayMinutes, &f.AirTimeMinutes, &f.DistanceMiles, &f.Version, &created, &updated, &deleted,
	); err != nil {
		return nil, failed(err)
	}
	f.ScheduledDepartureTime = timestamppb.New(leaves)
	f.DepartureTime = sent(left)
	f.ScheduledArrivalTime = timestamppb.New(arrives)
	f.ArrivalTime = sent(arrived)
	f.CreatedAt = timestamppb.New(created)
	f.UpdatedAt = timestamppb.New(updated)
	f.DeletedAt = sent(deleted)
	f.Etag = fmt.Sprintf("%q", fmt.Sprint(f.Version))
	return f, nil
}
