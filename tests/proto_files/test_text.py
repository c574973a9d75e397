"""What is written is read as it was meant, whatever characters it holds."""

from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from rowgate.v1 import annotations_pb2

from gateway.proto_files.text import ProtoField, ProtoFile, ProtoMessage
from gateway.schema.protos.sources import compile_protos

# The stubs give an extension no type of its own, so its look-up can't be checked.
TABLE: Any = annotations_pb2.table
COLUMN: Any = annotations_pb2.column
TEXT = "".join(map(chr, (*range(1, 0x250), 0x2028, 0xFEFF, 0x1F600)))


def test_texts_of_options_come_back(tmp_path: Path) -> None:
    field = ProtoField(
        "id", 1, "string", f"Line.\n{TEXT}\n*/ and more.", options={"name": TEXT, "default": "1"}
    )
    message = ProtoMessage("One", TEXT, [field], {"name": TEXT, "primary_key": ["id"], "managed": False})
    file = ProtoFile("one.proto", "one", TEXT, "Head.", ["rowgate/v1/annotations.proto"], [message])
    (tmp_path / "one.proto").write_text(str(file), encoding="utf-8")
    files = FileDescriptorSet.FromString(compile_protos(tmp_path).SerializeToString())
    [read] = [one for one in files.file if one.name == "one.proto"]
    table = read.message_type[0].options.Extensions[TABLE]
    column = read.message_type[0].field[0].options.Extensions[COLUMN]
    assert (table.name, column.name, column.default) == (TEXT, TEXT, "1")
