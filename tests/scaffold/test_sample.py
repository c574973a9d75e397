"""The sample's services are those that a scaffold writes: all but what its author added to them."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.proto_files.changes import write
from gateway.proto_files.services import STANDARD
from gateway.scaffold import Wishes, scaffolded
from gateway.schema.protos.sources import compile_protos
from gateway.schema.services.row_limits import BY_FILTER
from tests.harness.sample import ROOT

ADDED = {
    "BatchGetFlightsRequest": {"relations"},
    "GetFlightRequest": {"relations"},
    "StreamAirportsRequest": {"relations"},
    "BatchGetAirportsRequest": {"relations"},
    "GetAirportRequest": {"relations"},
    "CountAirportsRequest": {"time_zone"},
    "CountFlightsRequest": {"carrier", "destination", "flight_number", "origin", "tail_number"},
    "CountPlanesRequest": {"manufacturer", "model"},
    "CountWeatherRequest": {"origin"},
    "ListAirlinesResponse": {"total_size"},
    "ListAirportsRequest": {"relations", "time_zone"},
    "ListFlightsRequest": {"carrier", "destination", "flight_number", "origin", "relations", "tail_number"},
    "ListPlanesRequest": {"manufacturer", "model"},
    "ListWeatherRequest": {"origin"},
    "StreamFlightsRequest": {"carrier", "destination", "origin", "relations"},
    "UpdateFlightRequest": {"transforms"},
    "UpdateFlightsByFilterRequest": {"transforms"},
    "BulkUpsertFlightsRequest": {"transforms"},
}
"""The fields that ask for equality, a total, relations, and transforms."""
DECLARED = {"AggregateFlights", "ExistsFlights", "SearchAirports"}
"""The methods that no scaffold writes: their answers are their author's."""


def test_the_services_are_written_again(tmp_path: Path) -> None:
    """Without their files: methods with their routes, and all fields of requests and responses but those."""
    folder = tmp_path / "protos"
    shutil.copytree(ROOT / "protos" / "flights", folder / "flights")
    for file in folder.rglob("*_service.proto"):
        if file.read_text().startswith("// Written by `rowgate scaffold`"):
            file.unlink()
    write(folder, scaffolded(folder, ["flights"], Wishes(STANDARD)))
    write(folder, scaffolded(folder, ["flights/v1/flight.proto"], Wishes(tuple(BY_FILTER))))
    before, after = compile_protos(ROOT / "protos"), compile_protos(folder)
    methods = {name: one for name, one in _methods(before) if name.partition(".")[2] not in DECLARED}
    assert dict(_methods(after)) == methods
    written = dict(_messages(after))
    standard = {name: fields for name, fields in _messages(before) if name not in _declared(before)}
    assert {
        name: added for name, fields in standard.items() if (added := set(fields) - set(written[name]))
    } == ADDED
    for name, fields in standard.items():
        assert {**fields, **written[name]} == fields, name


def _declared(files: FileDescriptorSet) -> set[str]:
    """Return the messages that the declared methods alone have."""
    known = dict(_messages(files))
    found = {f"{name}{suffix}" for name in DECLARED for suffix in ("Request", "Response")}
    answered = {type_.rpartition(".")[2] for name in found for _, type_, _ in known[name].values()}
    return found | (answered & known.keys())


def _methods(files: FileDescriptorSet) -> Iterator[tuple[str, tuple[str, str, bool, bool, str]]]:
    """Yield each method's name, types, streams and options."""
    for service in (
        service for file in files.file if file.package == "flights.v1" for service in file.service
    ):
        for one in service.method:
            streams = one.client_streaming, one.server_streaming
            yield f"{service.name}.{one.name}", (one.input_type, one.output_type, *streams, str(one.options))


def _messages(files: FileDescriptorSet) -> Iterator[tuple[str, Mapping[str, tuple[int, str, int]]]]:
    """Yield each message of the sample, and its fields' types and labels by name."""
    for file in files.file:
        for message in file.message_type if file.package == "flights.v1" else ():
            yield message.name, {one.name: (one.type, one.type_name, one.label) for one in message.field}
