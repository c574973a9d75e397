package example;

import com.flights.v1.Airline;
import com.flights.v1.AirlineServiceGrpc;
import com.flights.v1.Airport;
import com.flights.v1.AirportServiceGrpc;
import com.flights.v1.BulkUpsertPlanesRequest;
import com.flights.v1.BulkUpsertPlanesResponse;
import com.flights.v1.Flight;
import com.flights.v1.FlightServiceGrpc;
import com.flights.v1.GetAirlineRequest;
import com.flights.v1.IngestFlightsRequest;
import com.flights.v1.IngestFlightsResponse;
import com.flights.v1.ListAirportsRequest;
import com.flights.v1.ListAirportsResponse;
import com.flights.v1.Plane;
import com.flights.v1.PlaneServiceGrpc;
import com.flights.v1.StreamFlightsRequest;
import com.flights.v1.StreamFlightsResponse;
import com.google.protobuf.Any;
import com.google.protobuf.FieldMask;
import com.google.protobuf.Timestamp;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.rowgate.v1.IngestStart;
import com.rowgate.v1.RowFailure;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.BlockingClientCall;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** Calls the flights sample by grpc-java: {@code java … example.FlightsClient 127.0.0.1:50051}. */
public final class FlightsClient {
  /** Numbers are doubles, as in JSON. */
  private static final Map<String, ?> RETRIES =
      Map.of(
          "methodConfig",
          List.of(
              Map.of(
                  "name", List.of(Map.of()), // every method
                  "waitForReady", true,
                  "retryPolicy",
                      Map.of(
                          "maxAttempts", 5.0,
                          "initialBackoff", "0.1s",
                          "maxBackoff", "2s",
                          "backoffMultiplier", 2.0,
                          "retryableStatusCodes", List.of("UNAVAILABLE")))));

  private static final List<String> FLIGHT_KEY =
      List.of("carrier", "flight_number", "origin", "scheduled_departure_time");

  private final AirlineServiceGrpc.AirlineServiceBlockingV2Stub airlines;
  private final AirportServiceGrpc.AirportServiceBlockingV2Stub airports;
  private final PlaneServiceGrpc.PlaneServiceBlockingV2Stub planes;
  private final FlightServiceGrpc.FlightServiceBlockingV2Stub flights;

  private FlightsClient(Channel channel) {
    airlines = AirlineServiceGrpc.newBlockingV2Stub(channel);
    airports = AirportServiceGrpc.newBlockingV2Stub(channel);
    planes = PlaneServiceGrpc.newBlockingV2Stub(channel);
    flights = FlightServiceGrpc.newBlockingV2Stub(channel);
  }

  /** Gets one row by its key. */
  private Airline airline(String carrier) throws StatusException {
    return airlines
        .withDeadlineAfter(20, TimeUnit.SECONDS)
        .getAirline(GetAirlineRequest.newBuilder().setCarrier(carrier).build());
  }

  /** Lists all pages; only the token differs from page to page. */
  private List<String> airports(String filter) throws StatusException {
    List<String> codes = new ArrayList<>();
    ListAirportsRequest.Builder request =
        ListAirportsRequest.newBuilder()
            .setFilter(filter)
            .setPageSize(100)
            .setReadMask(FieldMask.newBuilder().addPaths("faa"));
    do {
      ListAirportsResponse page = airports.withDeadlineAfter(20, TimeUnit.SECONDS).listAirports(request.build());
      page.getAirportsList().stream().map(Airport::getFaa).forEach(codes::add);
      request.setPageToken(page.getNextPageToken());
    } while (!request.getPageToken().isEmpty());
    return codes;
  }

  /** Writes many rows by one call: the good ones are stored, each bad one has a status of its own. */
  private BulkUpsertPlanesResponse upsert(List<Plane> rows) throws StatusException {
    return planes
        .withDeadlineAfter(30, TimeUnit.SECONDS)
        .bulkUpsertPlanes(
            BulkUpsertPlanesRequest.newBuilder()
                .addAllPlanes(rows)
                .setPartialFailure(true)
                .setRequestId(UUID.randomUUID().toString())
                .build());
  }

  /** Sends chunks, each acknowledged when it is stored, and goes on behind those that are. */
  private long ingest(String name, List<List<Flight>> chunks) throws Exception {
    IngestStart start = IngestStart.newBuilder().setStreamId(name).addAllConflictTarget(FLIGHT_KEY).build();
    return untilDone(
        () -> {
          BlockingClientCall<IngestFlightsRequest, IngestFlightsResponse> call =
              flights.withDeadlineAfter(60, TimeUnit.SECONDS).ingestFlights();
          call.write(IngestFlightsRequest.newBuilder().setStart(start).build());
          long stored = call.read().getWatermark();
          while (stored < chunks.size()) {
            call.write(
                IngestFlightsRequest.newBuilder()
                    .setSequence(stored + 1)
                    .addAllFlights(chunks.get((int) stored))
                    .build());
            stored = call.read().getWatermark();
          }
          call.halfClose();
          return stored;
        });
  }

  /** Reads all rows of a query, and goes on behind the last chunk that came. */
  private List<Flight> stream(String filter) throws Exception {
    List<Flight> rows = new ArrayList<>();
    StreamFlightsRequest.Builder request = StreamFlightsRequest.newBuilder().setFilter(filter);
    return untilDone(
        () -> {
          BlockingClientCall<?, StreamFlightsResponse> call =
              flights.withDeadlineAfter(60, TimeUnit.SECONDS).streamFlights(request.build());
          while (call.hasNext()) {
            StreamFlightsResponse chunk = call.read();
            rows.addAll(chunk.getFlightsList());
            request.setResumeToken(chunk.getResumeToken());
          }
          return rows;
        });
  }

  /** Runs a stream, and again where it broke off: the retry policy ends with the first answer. */
  private static <T> T untilDone(Callable<T> once) throws Exception {
    for (long pause = 100; pause <= 800; pause *= 2) {
      try {
        return once.call();
      } catch (StatusException error) {
        if (error.getStatus().getCode() != Status.Code.UNAVAILABLE) {
          throw error;
        }
      }
      Thread.sleep(pause);
    }
    return once.call();
  }

  /** Tells why a call is refused, by its details. */
  private static String refusal(Callable<?> call) throws Exception {
    try {
      call.call();
      return "{}";
    } catch (StatusException error) {
      String reason = "";
      String fields = "";
      for (Any detail : StatusProto.fromThrowable(error).getDetailsList()) {
        if (detail.is(ErrorInfo.class)) {
          reason = detail.unpack(ErrorInfo.class).getReason();
        } else if (detail.is(BadRequest.class)) {
          fields =
              detail.unpack(BadRequest.class).getFieldViolationsList().stream()
                  .map(violation -> '"' + violation.getField() + '"')
                  .collect(Collectors.joining(", "));
        }
      }
      int code = error.getStatus().getCode().value();
      return String.format("{\"code\": %d, \"reason\": \"%s\", \"fields\": [%s]}", code, reason, fields);
    }
  }

  private static Plane plane(String tailNumber, int seats) {
    return Plane.newBuilder()
        .setTailNumber(tailNumber)
        .setManufacturer("ROWGATE")
        .setEngineCount(2)
        .setSeatCount(seats)
        .build();
  }

  private static Flight flight(int number) {
    return Flight.newBuilder()
        .setCarrier("UA")
        .setFlightNumber(number)
        .setOrigin("EWR")
        .setDestination("SFO")
        .setScheduledDepartureTime(Timestamp.newBuilder().setSeconds(1_780_300_800L))
        .setScheduledArrivalTime(Timestamp.newBuilder().setSeconds(1_780_322_400L))
        .setDistanceMiles(2565)
        .build();
  }

  private String found() throws Exception {
    BulkUpsertPlanesResponse upserted =
        upsert(List.of(plane("N1RG", 100), plane("N2RG", 0), plane("N3RG", 50)));
    List<List<Flight>> chunks =
        List.of(
            List.of(flight(9501), flight(9502)),
            List.of(flight(9503), flight(9504)),
            List.of(flight(9505), flight(9506)));
    return String.format(
        "{\"airline\": \"%s\", \"airports\": %d, \"planes\": {\"stored\": %d, \"refused\": %s},"
            + " \"stored_chunks\": %d, \"flights\": %d, \"refusals\": [%s, %s]}",
        airline("UA").getName(),
        airports("time_zone = \"America/Anchorage\"").size(),
        upserted.getInsertedCount() + upserted.getUpdatedCount() + upserted.getUnchangedCount(),
        upserted.getFailuresList().stream().map(RowFailure::getIndex).toList(),
        ingest("examples/clients/java", chunks),
        stream("carrier = \"UA\" AND flight_number > 9500").size(),
        refusal(() -> airline("ZZ")),
        refusal(() -> airports("time_zone =")));
  }

  public static void main(String[] args) throws Exception {
    ManagedChannel channel =
        ManagedChannelBuilder.forTarget(args[0]).usePlaintext().defaultServiceConfig(RETRIES).enableRetry().build();
    try {
      System.out.println(new FlightsClient(channel).found());
    } finally {
      channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
    }
  }
}
