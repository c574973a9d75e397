// Calls the flights sample by Grpc.Net.Client: dotnet run -- http://127.0.0.1:50051

using System.Text.Json;
using Flights.V1;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Client.Configuration;
using Rowgate.V1;

var retries = new MethodConfig
{
    Names = { MethodName.Default }, // every method
    RetryPolicy = new RetryPolicy
    {
        MaxAttempts = 5,
        InitialBackoff = TimeSpan.FromSeconds(0.1),
        MaxBackoff = TimeSpan.FromSeconds(2),
        BackoffMultiplier = 2,
        RetryableStatusCodes = { StatusCode.Unavailable },
    },
};
using var channel = GrpcChannel.ForAddress(args[0], new GrpcChannelOptions
{
    ServiceConfig = new ServiceConfig { MethodConfigs = { retries } },
});
var airlines = new AirlineService.AirlineServiceClient(channel);
var airports = new AirportService.AirportServiceClient(channel);
var planes = new PlaneService.PlaneServiceClient(channel);
var flights = new FlightService.FlightServiceClient(channel);

Plane[] rows = { NewPlane("N1RG", 100), NewPlane("N2RG", 0), NewPlane("N3RG", 50) };
var chunks = new[] { 9501, 9503, 9505 }.Select(n => new[] { NewFlight(n), NewFlight(n + 1) }).ToArray();
var found = new
{
    airline = await NameOf(airlines, "UA"),
    airports = (await AirportsIn(airports, "time_zone = \"America/Anchorage\"")).Count,
    planes = await Upsert(planes, rows),
    stored_chunks = await Ingest(flights, "examples/clients/csharp", chunks),
    flights = await Stream(flights, "carrier = \"UA\" AND flight_number > 9500"),
    refusals = new[]
    {
        await Refusal(() => NameOf(airlines, "ZZ")),
        await Refusal(() => AirportsIn(airports, "time_zone =")),
    },
};
Console.WriteLine(JsonSerializer.Serialize(found));

// Gets one row by its key.
static async Task<string> NameOf(AirlineService.AirlineServiceClient airlines, string carrier)
{
    var request = new GetAirlineRequest { Carrier = carrier };
    var airline = await airlines.GetAirlineAsync(request, deadline: Within(20));
    return airline.Name;
}

// Lists all pages; only the token differs from page to page.
static async Task<List<string>> AirportsIn(AirportService.AirportServiceClient airports, string filter)
{
    var codes = new List<string>();
    var request = new ListAirportsRequest
    {
        Filter = filter,
        PageSize = 100,
        ReadMask = new FieldMask { Paths = { "faa" } },
    };
    do
    {
        var page = await airports.ListAirportsAsync(request, deadline: Within(20));
        codes.AddRange(page.Airports.Select(airport => airport.Faa));
        request.PageToken = page.NextPageToken;
    } while (request.PageToken != "");
    return codes;
}

// Writes many rows by one call: the good ones are stored, each bad one has a status of its own.
static async Task<object> Upsert(PlaneService.PlaneServiceClient planes, IEnumerable<Plane> rows)
{
    var request = new BulkUpsertPlanesRequest
    {
        Planes = { rows },
        PartialFailure = true,
        RequestId = Guid.NewGuid().ToString(),
    };
    var answer = await planes.BulkUpsertPlanesAsync(request, deadline: Within(30));
    var stored = answer.InsertedCount + answer.UpdatedCount + answer.UnchangedCount;
    return new { stored, refused = answer.Failures.Select(failure => failure.Index) };
}

// Sends chunks, each acknowledged when it is stored, and goes on behind those that are.
static async Task<long> Ingest(FlightService.FlightServiceClient flights, string name, Flight[][] chunks)
{
    var start = new IngestStart
    {
        StreamId = name,
        ConflictTarget = { "carrier", "flight_number", "origin", "scheduled_departure_time" },
    };
    long stored = 0;
    return await UntilDone(async () =>
    {
        using var call = flights.IngestFlights(deadline: Within(60));
        await Send(call.RequestStream, new IngestFlightsRequest { Start = start });
        await foreach (var answer in call.ResponseStream.ReadAllAsync())
        {
            stored = answer.Watermark;
            if (stored == chunks.Length)
            {
                await call.RequestStream.CompleteAsync();
                continue;
            }
            var chunk = new IngestFlightsRequest { Sequence = stored + 1, Flights = { chunks[stored] } };
            await Send(call.RequestStream, chunk);
        }
        return stored;
    });
}

// Sends a message. What fails a write is told by the next read.
static async Task Send<T>(IClientStreamWriter<T> stream, T message)
{
    try
    {
        await stream.WriteAsync(message);
    }
    catch (Exception error) when (error is RpcException or IOException)
    {
    }
}

// Reads all rows of a query, and goes on behind the last chunk that came.
static async Task<int> Stream(FlightService.FlightServiceClient flights, string filter)
{
    var rows = 0;
    var request = new StreamFlightsRequest { Filter = filter };
    return await UntilDone(async () =>
    {
        using var call = flights.StreamFlights(request, deadline: Within(60));
        await foreach (var chunk in call.ResponseStream.ReadAllAsync())
        {
            rows += chunk.Flights.Count;
            request.ResumeToken = chunk.ResumeToken;
        }
        return rows;
    });
}

// Runs a stream, and again where it broke off: the retry policy ends with the first answer.
static async Task<T> UntilDone<T>(Func<Task<T>> once)
{
    foreach (var pause in new[] { 0.1, 0.2, 0.4, 0.8 })
    {
        try
        {
            return await once();
        }
        catch (RpcException error) when (error.StatusCode == StatusCode.Unavailable)
        {
            await Task.Delay(TimeSpan.FromSeconds(pause));
        }
    }
    return await once();
}

// Tells why a call is refused, by its details.
static async Task<object> Refusal(Func<Task> call)
{
    try
    {
        await call();
        return new { };
    }
    catch (RpcException error)
    {
        var status = error.GetRpcStatus();
        var reason = status?.GetDetail<ErrorInfo>()?.Reason;
        var violations = status?.GetDetail<BadRequest>()?.FieldViolations;
        var fields = violations?.Select(violation => violation.Field) ?? Enumerable.Empty<string>();
        return new { code = (int)error.StatusCode, reason, fields };
    }
}

static DateTime Within(double seconds) => DateTime.UtcNow.AddSeconds(seconds);

static Plane NewPlane(string tailNumber, int seats) => new Plane
{
    TailNumber = tailNumber,
    Manufacturer = "ROWGATE",
    EngineCount = 2,
    SeatCount = seats,
};

static Flight NewFlight(int number) => new Flight
{
    Carrier = "UA",
    FlightNumber = number,
    Origin = "EWR",
    Destination = "SFO",
    DistanceMiles = 2565,
    ScheduledDepartureTime = new Timestamp { Seconds = 1_780_300_800 },
    ScheduledArrivalTime = new Timestamp { Seconds = 1_780_322_400 },
};
