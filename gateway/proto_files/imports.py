"""Imports: the files of messages that fields may have, and the statements of a file."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from google.protobuf import duration_pb2, timestamp_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.type import date_pb2, decimal_pb2, latlng_pb2, timeofday_pb2

from gateway.proto_files.edits import Edits

_FILE = FileDescriptorProto

IMPORTS: Mapping[str, str] = {
    "google.protobuf.Timestamp": timestamp_pb2.DESCRIPTOR.name,
    "google.protobuf.Duration": duration_pb2.DESCRIPTOR.name,
    "google.type.Date": date_pb2.DESCRIPTOR.name,
    "google.type.Decimal": decimal_pb2.DESCRIPTOR.name,
    "google.type.LatLng": latlng_pb2.DESCRIPTOR.name,
    "google.type.TimeOfDay": timeofday_pb2.DESCRIPTOR.name,
}
"""The file of each message that a column may be."""


def add_imports(edits: Edits, file: FileDescriptorProto, names: AbstractSet[str]) -> None:
    """Add those imports of some that a file lacks, each at its place in the alphabet.

    Args:
        edits: of the file.
        file: as it stands.
        names: the files that it imports at least.

    """
    wanted = sorted(names - {*file.dependency, file.name})
    for name in wanted if file.dependency else []:
        before = [at for at, known in enumerate(file.dependency) if known < name]
        if before:
            place = edits.places((_FILE.DEPENDENCY_FIELD_NUMBER, before[-1]))[0]
            edits.insert_after(place, f'import "{name}";')
        else:
            edits.insert_above((_FILE.DEPENDENCY_FIELD_NUMBER, 0), f'import "{name}";\n')
    if wanted and not file.dependency:
        heads = (_FILE.SYNTAX_FIELD_NUMBER, _FILE.PACKAGE_FIELD_NUMBER)
        [*_, last] = [place for number in heads for place in edits.places((number,))]
        edits.insert_after(last, "\n" + "\n".join(f'import "{name}";' for name in wanted))
