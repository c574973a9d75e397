"""A schema with a table for each type of key, made here: nothing but the keys tells its tables apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_HEAD = """
syntax = "proto3";
package keyed.v1;
import "google/protobuf/duration.proto";
import "google/protobuf/field_mask.proto";
import "google/protobuf/timestamp.proto";
import "google/type/date.proto";
import "rowgate/v1/annotations.proto";
"""
_TABLE = """
message {name} {{
  option (rowgate.v1.table) = {{{key} version: "version"}};
{fields}
  int64 value = 8;
  int64 version = 9;
}}
service {name}Service {{
  rpc Create{name}(Create{name}Request) returns ({name});
  rpc Update{name}(Update{name}Request) returns ({name});
  rpc Delete{name}(Delete{name}Request) returns ({name});
  rpc BatchCreate{name}s(BatchCreate{name}sRequest) returns (BatchCreate{name}sResponse);
  rpc BatchUpdate{name}s(BatchUpdate{name}sRequest) returns (BatchUpdate{name}sResponse);
  rpc BatchDelete{name}s(BatchDelete{name}sRequest) returns (BatchDelete{name}sResponse);
  rpc BulkUpsert{name}s(BulkUpsert{name}sRequest) returns (BulkUpsert{name}sResponse);
}}
message Create{name}Request {{ {name} row = 1; }}
message Update{name}Request {{
  {name} row = 1;
  google.protobuf.FieldMask update_mask = 2;
  bool allow_missing = 3;
}}
message Delete{name}Request {{
{keys}
  bool allow_missing = 8;
}}
message BatchDelete{name}sRequest {{ repeated Delete{name}Request requests = 1; }}
message BatchDelete{name}sResponse {{ repeated {name} rows = 1; }}
message BatchCreate{name}sRequest {{ repeated Create{name}Request requests = 1; }}
message BatchCreate{name}sResponse {{ repeated {name} rows = 1; }}
message BatchUpdate{name}sRequest {{ repeated Update{name}Request requests = 1; }}
message BatchUpdate{name}sResponse {{ repeated {name} rows = 1; }}
message BulkUpsert{name}sRequest {{ repeated {name} rows = 1; }}
message BulkUpsert{name}sResponse {{ int64 inserted_count = 1; int64 updated_count = 2; }}
"""


@dataclass(frozen=True)
class Keyed:
    """A table and its keys.

    Args:
        name: of the message.
        columns: the key's fields, each with its proto type and its column's options.
        keys: some keys, in no order.
        same: another spelling of the first of them; the same where there is none.

    """

    name: str
    columns: Mapping[str, tuple[str, str]]
    keys: Sequence[Mapping[str, Any]]
    same: Mapping[str, Any]

    def proto(self) -> str:
        """Return its message and its service."""
        key = " ".join(f'primary_key: "{column}"' for column in self.columns)
        fields = [
            f"  {type_} {column} = {n} [(rowgate.v1.column) = {{{options}}}];"
            for n, (column, (type_, options)) in enumerate(self.columns.items(), 1)
        ]
        keys = "\n".join(
            f"  {type_} {column} = {n};" for n, (column, (type_, _)) in enumerate(self.columns.items(), 1)
        )
        return _TABLE.format(name=self.name, key=key, fields="\n".join(fields), keys=keys)

    def method(self, name: str) -> str:
        """Return a method's full name; `s` stands for more than one."""
        plain, plural = name.rstrip("s"), "s" if name.endswith("s") else ""
        return f"keyed.v1.{self.name}Service/{plain}{self.name}{plural}"

    def updates(self, value: int, keys: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return an Update request for each key."""
        return [{"row": {**key, "value": value}, "update_mask": "value"} for key in keys]


def _one(name: str, type_: str, options: str, values: Sequence[Any], same: Any = None) -> Keyed:
    keys = [{"k": value} for value in values]
    return Keyed(name, {"k": (type_, options)}, keys, keys[0] if same is None else {"k": same})


# Sent in this order, which is none that anybody sorts by.
EVERYWHERE = (
    _one("Number", "int64", "", [3, -1, 9, 2, 7]),
    _one("Word", "string", "", ["c", "B", "a", "D", "é"]),
    _one("Blob", "bytes", "", ["fw==", "gA==", "", "/wA=", "/w=="]),
    _one("Flag", "bool", "", [True, False]),
    _one(
        "Address",
        "string",
        'type: "inet"',
        ["10.0.0.1", "2001:db8::1", "10.0.0.0/8", "::1", "9.9.9.9/32", "10.0.0.1/24"],
        "10.0.0.1/32",
    ),
    _one("Network", "string", 'type: "cidr"', ["10.0.0.0/8", "2001:db8::/32", "9.0.0.0/8"], "10.0.0.0/8"),
    _one("Amount", "string", 'type: "numeric"', ["1", "-2", "10", "0.5"], "1.00"),
    _one("Price", "string", 'type: "numeric(10,2)"', ["1", "2.5", "10", "0"], "1.0"),
    _one("Ratio", "double", "", ["NaN", 1.5, -0.0, -1e300, "Infinity"]),
    _one("Single", "float", "", [-0.0, 1.5, "NaN", "-Infinity"], 0.0),
    _one("Span", "google.protobuf.Duration", "not_null: true", ["90s", "-1s", "0s", "86400s"]),
    _one(
        "Moment",
        "google.protobuf.Timestamp",
        "not_null: true",
        ["2026-01-01T00:00:00Z", "1999-01-01T00:00:00Z"],
    ),
    _one("Id", "string", 'type: "uuid"', [f"{n}{'0' * 7}-0000-0000-0000-{'0' * 12}" for n in "8f0c"]),
    _one("Card", "string", 'type: "macaddr"', ["08:00:2b:01:02:0a", "ff:00:00:00:00:01"], "08002B-01020A"),
    _one("Document", "string", 'type: "jsonb"', ['{"a":1,"b":[]}', "[1]", '"x"', "2"], '{"b": [], "a": 1.0}'),
    _one(
        "Day", "google.type.Date", "not_null: true", [{"year": y, "month": 1, "day": 2} for y in (2026, 1999)]
    ),
    _one("Range", "string", 'type: "int4range"', ["[1,3)", "[-5,9)", "empty"], "[1,2]"),
    Keyed(
        "Pair",
        {"a": ("string", ""), "b": ("string", 'type: "inet"')},
        [{"a": a, "b": b} for a, b in [("b", "::1"), ("B", "1.1.1.1"), ("b", "1.1.1.1"), ("a", "::1")]],
        {"a": "b", "b": "::1/128"},
    ),
)
"""Keys that every PostgreSQL knows."""
CITEXT = _one("Title", "string", 'type: "citext"', ["c", "B", "a", "D"], "C")


def write_protos(folder: Path, kinds: Sequence[Keyed]) -> str:
    """Write the protos of the tables into a folder; return its name."""
    target = folder / "keyed" / "v1" / "keyed.proto"
    target.parent.mkdir(parents=True)
    target.write_text(_HEAD + "".join(kind.proto() for kind in kinds))
    return str(folder)
