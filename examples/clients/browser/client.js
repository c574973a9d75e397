// Calls the flights sample from a page, by Connect-ES. esbuild makes page.js of this.
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { AirlineService } from "./gen/flights/v1/airline_service_pb.js";
import { AirportService } from "./gen/flights/v1/airport_service_pb.js";
import { FlightService } from "./gen/flights/v1/flight_service_pb.js";
import { PlaneService } from "./gen/flights/v1/plane_service_pb.js";
import { BadRequestSchema, ErrorInfoSchema } from "./gen/google/rpc/error_details_pb.js";

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// Runs a call, and again where the server was unavailable.
async function untilDone(once) {
  for (const milliseconds of [100, 200, 400, 800]) {
    try {
      return await once();
    } catch (error) {
      if (!brokeOff(ConnectError.from(error))) throw error;
    }
    await pause(milliseconds);
  }
  return once();
}

// Tells whether the server was unavailable, or not reached: fetch then gives a TypeError, of which Connect-ES makes Unknown.
const brokeOff = (error) => error.code === Code.Unavailable || error.cause instanceof TypeError;

// Connect-ES has no retry policy: an interceptor is one.
const retries = (next) => (request) => (request.stream ? next(request) : untilDone(() => next(request)));

// Lists all pages; only the token differs from page to page.
async function airportsIn(airports, timeZone) {
  const request = { filter: `time_zone = "${timeZone}"`, pageSize: 100, readMask: { paths: ["faa"] } };
  const codes = [];
  do {
    const page = await airports.listAirports(request);
    codes.push(...page.airports.map((airport) => airport.faa));
    request.pageToken = page.nextPageToken;
  } while (request.pageToken);
  return codes;
}

// Writes many rows by one call: the good ones are stored, each bad one has a status of its own.
async function upsert(planes, rows) {
  const request = { planes: rows, partialFailure: true, requestId: crypto.randomUUID() };
  const answer = await planes.bulkUpsertPlanes(request, { timeoutMs: 30_000 });
  return {
    stored: Number(answer.insertedCount + answer.updatedCount + answer.unchangedCount),
    refused: answer.failures.map((failure) => failure.index),
  };
}

// Reads all rows of a query, and goes on behind the last chunk that came.
async function stream(flights, filter) {
  const request = { filter };
  let rows = 0;
  await untilDone(async () => {
    for await (const chunk of flights.streamFlights(request, { timeoutMs: 60_000 })) {
      rows += chunk.flights.length;
      request.resumeToken = chunk.resumeToken;
    }
  });
  return rows;
}

// Tells why a call is refused, by its details.
async function refusal(answer) {
  try {
    await answer;
    return {};
  } catch (caught) {
    const error = ConnectError.from(caught);
    const [info] = error.findDetails(ErrorInfoSchema);
    const [bad] = error.findDetails(BadRequestSchema);
    const fields = (bad?.fieldViolations ?? []).map((violation) => violation.field);
    return { code: error.code, reason: info?.reason, fields };
  }
}

const plane = (tailNumber, seatCount) => ({ tailNumber, seatCount, manufacturer: "ROWGATE", engineCount: 2 });

// Ingest streams both ways, which browsers can't: a page sends rows by BulkUpsert.
export async function run(baseUrl) {
  const transport = createConnectTransport({
    baseUrl,
    useBinaryFormat: true,
    defaultTimeoutMs: 20_000,
    interceptors: [retries],
  });
  const airlines = createClient(AirlineService, transport);
  const airports = createClient(AirportService, transport);
  const planes = createClient(PlaneService, transport);
  const flights = createClient(FlightService, transport);
  return {
    airline: (await airlines.getAirline({ carrier: "UA" })).name,
    airports: (await airportsIn(airports, "America/Anchorage")).length,
    planes: await upsert(planes, [plane("N1RG", 100), plane("N2RG", 0), plane("N3RG", 50)]),
    flights: await stream(flights, 'carrier = "UA" AND flight_number > 9500'),
    refusals: [
      await refusal(airlines.getAirline({ carrier: "ZZ" })),
      await refusal(airports.listAirports({ filter: "time_zone =" })),
    ],
  };
}
