// Command flights calls the flights sample by grpc-go: flights 127.0.0.1:50051
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	flightsv1 "example.com/flights/gen/flights/v1"
	rowgatev1 "example.com/flights/gen/rowgate/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Every method: what names no service is for all of them.
const retries = `{"methodConfig": [{
	"name": [{}],
	"waitForReady": true,
	"retryPolicy": {
		"maxAttempts": 5,
		"initialBackoff": "0.1s",
		"maxBackoff": "2s",
		"backoffMultiplier": 2,
		"retryableStatusCodes": ["UNAVAILABLE"]
	}
}]}`

var flightKey = []string{"carrier", "flight_number", "origin", "scheduled_departure_time"}

type upserted struct {
	Stored  int64   `json:"stored"`
	Refused []int32 `json:"refused"`
}

type refused struct {
	Code   codes.Code `json:"code"`
	Reason string     `json:"reason"`
	Fields []string   `json:"fields"`
}

// airlineName gets one row by its key.
func airlineName(ctx context.Context, airlines flightsv1.AirlineServiceClient, carrier string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	airline, err := airlines.GetAirline(ctx, &flightsv1.GetAirlineRequest{Carrier: carrier})
	return airline.GetName(), err
}

// airportsIn lists all pages; only the token differs from page to page.
func airportsIn(ctx context.Context, airports flightsv1.AirportServiceClient, filter string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	var found []string
	request := &flightsv1.ListAirportsRequest{
		Filter: filter, PageSize: 100, ReadMask: &fieldmaskpb.FieldMask{Paths: []string{"faa"}},
	}
	for {
		page, err := airports.ListAirports(ctx, request)
		if err != nil {
			return nil, err
		}
		for _, airport := range page.Airports {
			found = append(found, airport.Faa)
		}
		if page.NextPageToken == "" {
			return found, nil
		}
		request.PageToken = page.NextPageToken
	}
}

// upsert writes many rows by one call: the good ones are stored, each bad one has a status of its own.
func upsert(ctx context.Context, planes flightsv1.PlaneServiceClient, rows []*flightsv1.Plane) (upserted, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	answer, err := planes.BulkUpsertPlanes(ctx, &flightsv1.BulkUpsertPlanesRequest{
		Planes: rows, PartialFailure: true, RequestId: newUUID(),
	})
	result := upserted{Stored: answer.GetInsertedCount() + answer.GetUpdatedCount() + answer.GetUnchangedCount()}
	for _, failure := range answer.GetFailures() {
		result.Refused = append(result.Refused, failure.Index)
	}
	return result, err
}

// ingest sends chunks, each acknowledged when it is stored, and goes on behind those that are.
func ingest(ctx context.Context, flights flightsv1.FlightServiceClient, name string, chunks [][]*flightsv1.Flight) (int64, error) {
	var stored int64
	err := untilDone(func() error {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		call, err := flights.IngestFlights(ctx)
		if err != nil {
			return err
		}
		// What fails a Send is told by Recv.
		_ = call.Send(&flightsv1.IngestFlightsRequest{
			Start: &rowgatev1.IngestStart{StreamId: name, ConflictTarget: flightKey},
		})
		for {
			answer, err := call.Recv()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if stored = answer.Watermark; stored < int64(len(chunks)) {
				_ = call.Send(&flightsv1.IngestFlightsRequest{Sequence: stored + 1, Flights: chunks[stored]})
			} else {
				_ = call.CloseSend()
			}
		}
	})
	return stored, err
}

// stream reads all rows of a query, and goes on behind the last chunk that came.
func stream(ctx context.Context, flights flightsv1.FlightServiceClient, filter string) (int, error) {
	rows := 0
	request := &flightsv1.StreamFlightsRequest{Filter: filter}
	err := untilDone(func() error {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		call, err := flights.StreamFlights(ctx, request)
		if err != nil {
			return err
		}
		for {
			chunk, err := call.Recv()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			rows += len(chunk.Flights)
			request.ResumeToken = chunk.ResumeToken
		}
	})
	return rows, err
}

// untilDone runs a stream, and again where it broke off: the retry policy ends with the first answer.
func untilDone(once func() error) error {
	pause := 100 * time.Millisecond
	for range 4 {
		if err := once(); status.Code(err) != codes.Unavailable {
			return err
		}
		time.Sleep(pause)
		pause *= 2
	}
	return once()
}

// refusal tells why a call was refused, by its details.
func refusal(err error) refused {
	found := refused{Code: status.Code(err), Fields: []string{}}
	for _, detail := range status.Convert(err).Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			found.Reason = detail.Reason
		case *errdetails.BadRequest:
			for _, violation := range detail.FieldViolations {
				found.Fields = append(found.Fields, violation.Field)
			}
		}
	}
	return found
}

func plane(tailNumber string, seats int32) *flightsv1.Plane {
	return &flightsv1.Plane{TailNumber: tailNumber, Manufacturer: "ROWGATE", EngineCount: 2, SeatCount: seats}
}

func flight(number int32) *flightsv1.Flight {
	return &flightsv1.Flight{
		Carrier: "UA", FlightNumber: number, Origin: "EWR", Destination: "SFO", DistanceMiles: 2565,
		ScheduledDepartureTime: timestamppb.New(time.Unix(1_780_300_800, 0)),
		ScheduledArrivalTime:   timestamppb.New(time.Unix(1_780_322_400, 0)),
	}
}

func newUUID() string {
	id := make([]byte, 16)
	_, _ = rand.Read(id)
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	conn := must(grpc.NewClient(os.Args[1],
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultServiceConfig(retries)))
	defer conn.Close()
	airlines, airports := flightsv1.NewAirlineServiceClient(conn), flightsv1.NewAirportServiceClient(conn)
	planes, flights := flightsv1.NewPlaneServiceClient(conn), flightsv1.NewFlightServiceClient(conn)
	ctx := context.Background()

	chunks := [][]*flightsv1.Flight{{flight(9501), flight(9502)}, {flight(9503), flight(9504)}, {flight(9505), flight(9506)}}
	found := map[string]any{
		"airline":       must(airlineName(ctx, airlines, "UA")),
		"airports":      len(must(airportsIn(ctx, airports, `time_zone = "America/Anchorage"`))),
		"planes":        must(upsert(ctx, planes, []*flightsv1.Plane{plane("N1RG", 100), plane("N2RG", 0), plane("N3RG", 50)})),
		"stored_chunks": must(ingest(ctx, flights, "examples/clients/go", chunks)),
		"flights":       must(stream(ctx, flights, `carrier = "UA" AND flight_number > 9500`)),
	}
	_, missing := airlineName(ctx, airlines, "ZZ")
	_, unreadable := airportsIn(ctx, airports, "time_zone =")
	found["refusals"] = []refused{refusal(missing), refusal(unreadable)}
	fmt.Println(string(must(json.Marshal(found))))
}
