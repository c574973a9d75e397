// Calls the flights sample by @grpc/grpc-js: node client.js 127.0.0.1:50051
const { randomUUID } = require("node:crypto");
const { readdirSync } = require("node:fs");
const path = require("node:path");
const { setTimeout: pause } = require("node:timers/promises");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const protos = path.join(__dirname, "..", "..", "..", "protos");
const googleapis = path.join(__dirname, "..", "..", "..", "generated", "googleapis");
const schema = readdirSync(path.join(protos, "flights", "v1")).map((name) => `flights/v1/${name}`);
const types = loader.loadSync([...schema, "google/rpc/status.proto", "google/rpc/error_details.proto"], {
  includeDirs: [protos, googleapis],
  longs: Number,
  enums: String,
  defaults: true,
});
const { flights } = grpc.loadPackageDefinition(types);

// grpc-js doesn't take waitForReady from here: each call has it.
const retries = {
  methodConfig: [
    {
      name: [{}], // every method
      retryPolicy: {
        maxAttempts: 5,
        initialBackoff: "0.1s",
        maxBackoff: "2s",
        backoffMultiplier: 2,
        retryableStatusCodes: ["UNAVAILABLE"],
      },
    },
  ],
};
const flightKey = ["carrier", "flight_number", "origin", "scheduled_departure_time"];
const within = (seconds) => ({ deadline: Date.now() + seconds * 1000 });
const ready = new grpc.Metadata({ waitForReady: true });

const call = (client, method, request, seconds = 20) =>
  new Promise((resolve, reject) => {
    client[method](request, ready, within(seconds), (error, answer) => (error ? reject(error) : resolve(answer)));
  });

// Lists all pages; only the token differs from page to page.
async function airportsIn(airports, timeZone) {
  const request = { filter: `time_zone = "${timeZone}"`, pageSize: 100, readMask: { paths: ["faa"] } };
  const codes = [];
  do {
    const page = await call(airports, "listAirports", request);
    codes.push(...page.airports.map((airport) => airport.faa));
    request.pageToken = page.nextPageToken;
  } while (request.pageToken);
  return codes;
}

// Writes many rows by one call: the good ones are stored, each bad one has a status of its own.
async function upsert(planes, rows) {
  const request = { planes: rows, partialFailure: true, requestId: randomUUID() };
  const answer = await call(planes, "bulkUpsertPlanes", request, 30);
  return {
    stored: answer.insertedCount + answer.updatedCount + answer.unchangedCount,
    refused: answer.failures.map((failure) => failure.index),
  };
}

// Sends chunks, each acknowledged when it is stored, and goes on behind those that are.
const ingest = (client, streamId, chunks) =>
  untilDone(async () => {
    const stream = client.ingestFlights(ready, within(60));
    stream.write({ start: { streamId, conflictTarget: flightKey } });
    let stored = 0;
    for await (const { watermark } of stream) {
      stored = watermark;
      if (stored < chunks.length) stream.write({ sequence: stored + 1, flights: chunks[stored] });
      else stream.end();
    }
    return stored;
  });

// Reads all rows of a query, and goes on behind the last chunk that came.
async function stream(client, filter) {
  const request = { filter };
  let rows = 0;
  await untilDone(async () => {
    for await (const chunk of client.streamFlights(request, ready, within(60))) {
      rows += chunk.flights.length;
      request.resumeToken = chunk.resumeToken;
    }
  });
  return rows;
}

// Runs a stream, and again where it broke off: the retry policy ends with the first answer.
async function untilDone(once) {
  for (const milliseconds of [100, 200, 400, 800]) {
    try {
      return await once();
    } catch (error) {
      if (error.code !== grpc.status.UNAVAILABLE) throw error;
    }
    await pause(milliseconds);
  }
  return once();
}

// Tells why a call is refused, by its details.
async function refusal(answer) {
  try {
    await answer;
    return {};
  } catch (error) {
    const [packed = Buffer.alloc(0)] = error.metadata.get("grpc-status-details-bin");
    const details = Object.fromEntries(
      types["google.rpc.Status"].deserialize(packed).details.map((any) => {
        const name = any.type_url.split("/").pop();
        return [name, types[name]?.deserialize(any.value)];
      }),
    );
    return {
      code: error.code,
      reason: details["google.rpc.ErrorInfo"]?.reason,
      fields: (details["google.rpc.BadRequest"]?.fieldViolations ?? []).map((violation) => violation.field),
    };
  }
}

const plane = (tailNumber, seatCount) => ({ tailNumber, seatCount, manufacturer: "ROWGATE", engineCount: 2 });
const flight = (flightNumber) => ({
  carrier: "UA",
  flightNumber,
  origin: "EWR",
  destination: "SFO",
  scheduledDepartureTime: { seconds: 1_780_300_800 },
  scheduledArrivalTime: { seconds: 1_780_322_400 },
  distanceMiles: 2565,
});

async function main(target) {
  const connect = (Service) =>
    new Service(target, grpc.credentials.createInsecure(), { "grpc.service_config": JSON.stringify(retries) });
  const airlines = connect(flights.v1.AirlineService);
  const airports = connect(flights.v1.AirportService);
  const planes = connect(flights.v1.PlaneService);
  const flightService = connect(flights.v1.FlightService);
  const chunks = [9501, 9503, 9505].map((number) => [flight(number), flight(number + 1)]);
  const found = {
    airline: (await call(airlines, "getAirline", { carrier: "UA" })).name,
    airports: (await airportsIn(airports, "America/Anchorage")).length,
    planes: await upsert(planes, [plane("N1RG", 100), plane("N2RG", 0), plane("N3RG", 50)]),
    stored_chunks: await ingest(flightService, "examples/clients/node", chunks),
    flights: await stream(flightService, 'carrier = "UA" AND flight_number > 9500'),
    refusals: [
      await refusal(call(airlines, "getAirline", { carrier: "ZZ" })),
      await refusal(call(airports, "listAirports", { filter: "time_zone =" })),
    ],
  };
  console.log(JSON.stringify(found));
  for (const client of [airlines, airports, planes, flightService]) client.close();
}

main(process.argv[2]);
