"""REST: Get and List as JSON over HTTP/1.1 and HTTP/2, beside the same server's gRPC, and GraphQL."""

import asyncio
import json
import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from http.client import HTTPResponse
from typing import Any

from bench import contenders
from bench.contenders import POSTGRAPHILE, Contender
from bench.datasets import FLIGHTS, ITEMS, Dataset
from bench.load_generator import Load, Requests
from bench.measured_load import loading
from bench.results import CALL_A_CONNECTION, REST, REST_OVER_HTTP2, ROWGATE
from bench.rounds import Turn, take_turns
from bench.testbed import Testbed
from bench.workloads.calls import IN_FLIGHT, gets_of

PAGE_SIZE = 1_000
PAGES_IN_FLIGHT = 8
GETS = {calls: f"Get item as JSON, {calls} in flight" for calls in (IN_FLIGHT, 1)}
LISTS = {PAGES_IN_FLIGHT: f"List {PAGE_SIZE:,} flights as JSON, {PAGES_IN_FLIGHT} in flight"}
_SECONDS = 20
_SERVED_BY = {
    **dict.fromkeys((REST, REST_OVER_HTTP2, ROWGATE, CALL_A_CONNECTION), ROWGATE),
    POSTGRAPHILE: POSTGRAPHILE,
}


async def rest(testbed: Testbed) -> None:
    """Measure Get of items, and List of flights."""
    keys = await testbed.fill(ITEMS, testbed.options.stored)
    one = f"query($id: BigInt!) {{ itemById(id: $id) {{ {_selection(ITEMS)} }} }}"
    gets = {
        ROWGATE: gets_of(testbed, ITEMS, keys),
        REST: _written(testbed, "rest", (_get(f"/v1/items/{key}") for key in keys)),
        POSTGRAPHILE: _written(testbed, "graphql", (_graphql(one, {"id": str(key)}) for key in keys)),
    }
    await _measure(testbed, GETS, ITEMS, _with_other_connections(gets))
    await testbed.fill(FLIGHTS, testbed.options.stored)
    page = FLIGHTS.message("ListFlightsRequest")(page_size=PAGE_SIZE)
    nodes = f"nodes {{ {_selection(FLIGHTS)} }} pageInfo {{ endCursor }}"
    lists = {
        ROWGATE: Requests.write(FLIGHTS.path("List"), [page], testbed.folder / "list.requests"),
        REST: _written(testbed, "rest", [_get(f"/v1/flights?pageSize={PAGE_SIZE}")]),
        POSTGRAPHILE: _written(
            testbed, "graphql", [_graphql(f"{{ allFlights(first: {PAGE_SIZE}) {{ {nodes} }} }}", {})]
        ),
    }
    await _measure(testbed, LISTS, FLIGHTS, _with_other_connections(lists))


def _with_other_connections(ways: Mapping[str, Requests]) -> Mapping[str, Requests]:
    """Add REST over as few connections as gRPC has, and gRPC over as many as HTTP/1.1 has."""
    return {**ways, REST_OVER_HTTP2: replace(ways[REST], http2=True), CALL_A_CONNECTION: ways[ROWGATE]}


def _selection(dataset: Dataset) -> str:
    """Return all fields of a row as GraphQL names them."""
    fields = dataset.message(dataset.resource).DESCRIPTOR.fields_by_name
    return " ".join(fields[name].json_name for name in dataset.fields)


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/json\r\n\r\n".encode()


def _graphql(query: str, variables: dict[str, str]) -> bytes:
    body = json.dumps({"query": query, "variables": variables}).encode()
    head = f"content-type: application/json\r\ncontent-length: {len(body)}"
    return f"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\n{head}\r\n\r\n".encode() + body


def _written(testbed: Testbed, name: str, requests: Iterable[bytes]) -> Requests:
    return Requests.write_http1(requests, testbed.folder / f"{name}.requests")


async def _measure(
    testbed: Testbed, workloads: Mapping[int, str], dataset: Dataset, ways: Mapping[str, Requests]
) -> None:
    """Load the ways in turn, with each number of calls in flight: two of the ways are the same server's."""
    async with testbed.running(
        (ROWGATE, lambda: contenders.rowgate(testbed.dsn, dataset.protos)),
        (POSTGRAPHILE, lambda: contenders.postgraphile(testbed.dsn)),
    ) as running:
        servers = {contender.name: contender for contender in running}
        servers = {name: servers[served] for name, served in _SERVED_BY.items() if served in servers}
        await _compare(testbed, dataset, servers, ways)
        for in_flight, workload in workloads.items():
            turns = []
            for name, server in servers.items():
                asked = Load(ways[name], in_flight, testbed.options.seconds)
                if name == CALL_A_CONNECTION:
                    asked = replace(asked, connections=in_flight)
                turns.append(Turn(workload, name, loading(testbed, server, asked)))
            await take_turns(testbed.results, turns, testbed.options.rounds)


async def _compare(
    testbed: Testbed, dataset: Dataset, servers: Mapping[str, Contender], ways: Mapping[str, Requests]
) -> None:
    """Report where JSON comes with other rows."""
    by_http = [(server, ways[name].first()) for name, server in servers.items() if not ways[name].method]
    ids = [await asyncio.to_thread(_ids_of, server, request) for server, request in by_http]
    if any(found != ids[0] for found in ids):
        testbed.results.fail(f"{dataset.table} as JSON", ValueError("not all return the same rows"))


def _ids_of(contender: Contender, request: bytes) -> list[str]:
    """Send a request; return the ids of the rows in the response, in their order."""
    host, _, port = contender.address.partition(":")
    with socket.create_connection((host, int(port)), timeout=_SECONDS) as connection:
        connection.sendall(request)
        response = HTTPResponse(connection)
        response.begin()
        return list(_ids(json.loads(response.read())))


def _ids(found: Any) -> Iterator[str]:
    if isinstance(found, dict) and "id" in found:
        yield found["id"]
    elif isinstance(found, dict | list):
        for inner in found.values() if isinstance(found, dict) else found:
            yield from _ids(inner)
