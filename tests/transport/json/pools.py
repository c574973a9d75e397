"""The schemas that the codec is tried with, each in a pool of its own."""

from functools import cache
from pathlib import Path

from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool

from gateway.schema.protos.sources import compile_protos
from tests.harness.gateway import SCHEMAS, descriptors_of

NAMES = ("edge", *sorted(folder.name for folder in SCHEMAS.iterdir() if folder.name != "foreign"))
"""The schemas: those of tests/schemas, and `edge`, which has what tables can't hold."""


@cache
def pool_of(name: str) -> DescriptorPool:
    """Return a schema's pool."""
    return pool_from(_files(name))


def pool_from(files: FileDescriptorSet) -> DescriptorPool:
    """Return a pool of files."""
    pool = DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return pool


def descriptor(schema: str, name: str) -> Descriptor:
    """Return a message type by its full name."""
    found: Descriptor = pool_of(schema).FindMessageTypeByName(name)
    return found


@cache
def kinds(schema: str) -> list[Descriptor]:
    """Return the messages of a schema's own files."""
    return [
        descriptor(schema, f"{file.package}.{one.name}")
        for file in _files(schema).file
        if not file.package.startswith(("google", "rowgate"))
        for one in file.message_type
        if one.field
    ]


@cache
def _files(name: str) -> FileDescriptorSet:
    return compile_protos(Path(__file__).parent / "protos") if name == "edge" else descriptors_of(name)
