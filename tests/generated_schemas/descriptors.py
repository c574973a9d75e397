"""Schemas → descriptor sets, without protoc."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from google.protobuf import (
    descriptor_pb2,
    duration_pb2,
    empty_pb2,
    field_mask_pb2,
    struct_pb2,
    timestamp_pb2,
    wrappers_pb2,
)
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FeatureSet,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    OneofDescriptorProto,
    ServiceDescriptorProto,
)
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as F
from google.type import date_pb2, decimal_pb2, latlng_pb2, money_pb2, timeofday_pb2
from rowgate.v1 import annotations_pb2, bulk_pb2, count_pb2, ingest_pb2

from tests.generated_schemas.kinds import ALIASES, CLOSED, NESTED, OPEN
from tests.generated_schemas.schemas import UNSET, Column, Schema, name_of

_IMPORTS = (
    *(descriptor_pb2, duration_pb2, empty_pb2, field_mask_pb2, struct_pb2, timestamp_pb2, wrappers_pb2),
    *(date_pb2, decimal_pb2, latlng_pb2, money_pb2, timeofday_pb2),
    *(annotations_pb2, bulk_pb2, count_pb2, ingest_pb2),
)
# The stubs give an extension no type of its own, so its look-up can't be checked.
_TABLE: Any = annotations_pb2.table
_COLUMN: Any = annotations_pb2.column
_METHOD: Any = annotations_pb2.method
FILE = "made/v1/made.proto"
_MASK = ".google.protobuf.FieldMask"


def descriptor_set(schema: Schema) -> FileDescriptorSet:
    """Return the schema's file, behind all that it imports."""
    found: dict[str, FileDescriptorProto] = {}
    for module in _IMPORTS:
        _gather(module.DESCRIPTOR, found)
    return FileDescriptorSet(file=[*found.values(), _Writer(schema).file()])


def _gather(file: FileDescriptor, found: dict[str, FileDescriptorProto]) -> None:
    for dependency in file.dependencies:
        _gather(dependency, found)
    if file.name not in found:
        found[file.name] = FileDescriptorProto.FromString(file.serialized_pb)


class _Writer:
    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.prefix = f".{schema.package}."

    def file(self) -> FileDescriptorProto:
        """Return the schema's own file."""
        schema = self.schema
        file = FileDescriptorProto(
            name=FILE,
            package=schema.package,
            dependency=[module.DESCRIPTOR.name for module in _IMPORTS],
        )
        if schema.syntax != "proto2":
            file.syntax = schema.syntax
        if schema.syntax == "editions":
            file.edition = descriptor_pb2.EDITION_2023
        file.enum_type.append(self._enum("Open", OPEN, ALIASES, closed=False))
        if schema.syntax != "proto3":
            file.enum_type.append(self._enum("Closed", CLOSED, closed=True))
        file.message_type.extend([self._part(), self._resource(), *self._requests()])
        file.service.append(self._service())
        return file

    def _enum(
        self,
        name: str,
        names: Mapping[int, str],
        aliases: Mapping[str, int] = MappingProxyType({}),
        *,
        closed: bool = False,
    ) -> EnumDescriptorProto:
        enum = EnumDescriptorProto(name=name)
        for number, label in names.items():
            enum.value.add(name=label, number=number)
        for label, number in aliases.items():
            enum.value.add(name=label, number=number)
            enum.options.allow_alias = True
        if closed and self.schema.syntax == "editions":
            enum.options.features.enum_type = FeatureSet.CLOSED
        return enum

    def _part(self) -> DescriptorProto:
        part = DescriptorProto(name="Part", oneof_decl=[OneofDescriptorProto(name="either")])
        part.enum_type.append(self._enum("Nested", NESTED))
        types = {
            "text": F.TYPE_STRING,
            "maybe_text": F.TYPE_STRING,
            "number": F.TYPE_INT64,
            "unsigned": F.TYPE_FIXED64,
            "single": F.TYPE_FLOAT,
            "double": F.TYPE_DOUBLE,
            "truth": F.TYPE_BOOL,
            "raw": F.TYPE_BYTES,
        }
        for name, kind in types.items():
            self._field(part, name, kind, presence=name == "maybe_text")
        self._field(part, "kind", F.TYPE_ENUM, self.prefix + "Part.Nested")
        self._field(part, "at", F.TYPE_MESSAGE, ".google.protobuf.Timestamp")
        self._field(part, "texts", F.TYPE_STRING, repeated=True)
        self._map(part, "counts", (F.TYPE_STRING, F.TYPE_INT32, ""))
        self._field(part, "either_text", F.TYPE_STRING, presence=True, oneof=0)
        self._field(part, "either_truth", F.TYPE_BOOL, presence=True, oneof=0)
        self._field(part, "part", F.TYPE_MESSAGE, self.prefix + "Part")
        self._field(part, "parts", F.TYPE_MESSAGE, self.prefix + "Part", repeated=True)
        return self._finished(part)

    def _resource(self) -> DescriptorProto:
        schema = self.schema
        message = DescriptorProto(name=schema.message)
        if any(column.oneof for column in schema.columns):
            message.oneof_decl.add(name="choice")
        for column in schema.columns:
            self._column(message, column)
        for role, name in schema.roles.items():
            self._role(message, role, name)
        table = message.options.Extensions[_TABLE]
        table.primary_key.extend(schema.key)
        table.name, table.schema = schema.table, schema.place
        for role, name in schema.roles.items():
            setattr(table, role, name)
        for names in schema.unique:
            table.unique.add(columns=names)
        for index in schema.indexes:
            table.index.add(**index)
        for name in schema.checks:
            spelled = schema.by_name[name].stored.replace('"', '""')
            table.check.add(expression=f'"{spelled}" >= 0')
        return self._finished(message)

    def _column(self, message: DescriptorProto, column: Column) -> None:
        kind = column.of
        if kind.map is not None:
            key, value, inner = kind.map
            field = self._map(message, column.name, (key, value, inner and self.prefix + inner))
        else:
            named = self._full_name(kind.message)
            field = self._field(
                message,
                column.name,
                kind.type,
                named,
                repeated=kind.repeated,
                presence=column.presence,
                oneof=0 if column.oneof else None,
            )
            if column.proto_default != UNSET:
                is_bool = isinstance(column.proto_default, bool)
                field.default_value = (
                    str(column.proto_default).lower() if is_bool else str(column.proto_default)
                )
        options: dict[str, Any] = {**kind.options, "name": column.column, "not_null": column.not_null}
        options |= {"output_only": column.output_only, "identity": column.identity}
        if column.has_default:
            # A function's result, which PostgreSQL doesn't know before it is called.
            spelled = self.schema.sql_value(column, column.default)
            options["default"] = f"coalesce({spelled}, {spelled})"
        if column.computed:
            options["generated"] = name_of(self.schema.by_name[column.computed].stored)
        if column.kind == "part_delimited":
            field.options.features.message_encoding = FeatureSet.DELIMITED
        if any(options.values()):
            field.options.Extensions[_COLUMN].CopyFrom(annotations_pb2.ColumnOptions(**options))

    def _role(self, message: DescriptorProto, role: str, name: str) -> None:
        if role == "version":
            self._field(message, name, F.TYPE_INT64)
        elif role == "etag":
            self._field(message, name, F.TYPE_STRING)
        else:
            self._field(message, name, F.TYPE_MESSAGE, ".google.protobuf.Timestamp")

    def _field(
        self,
        message: DescriptorProto,
        name: str,
        kind: int,
        named: str = "",
        *,
        repeated: bool = False,
        presence: bool = False,
        oneof: int | None = None,
    ) -> FieldDescriptorProto:
        field = message.field.add(
            name=name,
            number=len(message.field) + 1,
            type=kind,  # type: ignore[arg-type]
            label=F.LABEL_REPEATED if repeated else F.LABEL_OPTIONAL,
        )
        if named:
            field.type_name = named
        if oneof is not None:
            field.oneof_index = oneof
        elif kind != F.TYPE_MESSAGE and not repeated:
            self._tell_presence(field, presence=presence)
        return field

    def _tell_presence(self, field: FieldDescriptorProto, *, presence: bool) -> None:
        if self.schema.syntax == "proto3" and presence:
            field.proto3_optional = True
        if self.schema.syntax == "editions" and not presence:
            field.options.features.field_presence = FeatureSet.IMPLICIT

    @staticmethod
    def _finished(message: DescriptorProto) -> DescriptorProto:
        """Put each optional field of proto3 into the oneof of its own that it needs."""
        for field in message.field:
            if field.proto3_optional:
                field.oneof_index = len(message.oneof_decl)
                message.oneof_decl.add(name=f"_{field.name}")
        return message

    def _map(self, message: DescriptorProto, name: str, types: tuple[int, int, str]) -> FieldDescriptorProto:
        entry = message.nested_type.add(name="".join(part.capitalize() for part in name.split("_")) + "Entry")
        entry.options.map_entry = True
        key, value, named = types
        for place, (inner, kind, of) in enumerate([("key", key, ""), ("value", value, named)], 1):
            part = entry.field.add(name=inner, number=place, type=kind, label=F.LABEL_OPTIONAL)  # type: ignore[arg-type]
            if of:
                part.type_name = of
        whole = f"{self.prefix}{message.name}.{entry.name}"
        return self._field(message, name, F.TYPE_MESSAGE, whole, repeated=True)

    def _requests(self) -> Iterable[DescriptorProto]:
        name, bools = self.schema.message, ("validate_only", "allow_missing")
        yield self._request(f"Get{name}Request", keys=True, masks=["read_mask"])
        yield self._request(
            f"List{name}sRequest",
            strings=["page_token", "filter", "order_by"],
            masks=["read_mask"],
            bools=self._deleted(),
            numbers=["page_size"],
        )
        yield self._response(f"List{name}sResponse", strings=["next_page_token"], numbers=["total_size"])
        yield self._request(f"Create{name}Request", one=True, bools=["validate_only"], strings=["request_id"])
        yield self._request(
            f"Update{name}Request",
            one=True,
            masks=["update_mask"],
            bools=bools,
            strings=[*self._etag(), "request_id"],
        )
        yield self._request(
            f"Delete{name}Request", keys=True, bools=bools, strings=[*self._etag(), "request_id"]
        )
        yield self._request(
            f"Undelete{name}Request", keys=True, bools=["validate_only"], strings=self._etag()
        )
        yield self._request(f"{name}Key", keys=True)
        yield self._many(f"BatchGet{name}sRequest", "keys", f"{name}Key")
        yield self._response(f"BatchGet{name}sResponse", missing=True)
        for verb in ("Create", "Update", "Delete"):
            yield self._many(f"Batch{verb}{name}sRequest", "requests", f"{verb}{name}Request")
            yield self._response(f"Batch{verb}{name}sResponse")
        yield self._request(f"Count{name}sRequest", strings=["filter"], bools=self._deleted())
        yield self._request(f"Count{name}sResponse", numbers=["count"])
        yield self._upsert(f"BulkUpsert{name}sRequest")
        yield self._upserted(f"BulkUpsert{name}sResponse")
        yield self._request(
            f"Stream{name}sRequest",
            strings=["resume_token", "filter", "order_by"],
            masks=["read_mask"],
            bools=self._deleted(),
        )
        yield self._response(f"Stream{name}sResponse", strings=["resume_token"])
        yield self._chunk(f"Ingest{name}sRequest")
        yield self._upserted(f"Ingest{name}sResponse", watermark=True)

    def _etag(self) -> list[str]:
        return ["etag"] if "etag" in self.schema.roles else []

    def _deleted(self) -> list[str]:
        return ["show_deleted"] if "soft_delete" in self.schema.roles else []

    def _request(
        self,
        name: str,
        *,
        keys: bool = False,
        one: bool = False,
        strings: Iterable[str] = (),
        masks: Iterable[str] = (),
        bools: Iterable[str] = (),
        numbers: Iterable[str] = (),
    ) -> DescriptorProto:
        message = DescriptorProto(name=name)
        if keys:
            for column in self.schema.keys:
                self._column_of_key(message, column)
        if one:
            self._field(message, "row", F.TYPE_MESSAGE, self.prefix + self.schema.message)
        typed = [
            *((name, F.TYPE_STRING, "") for name in strings),
            *((name, F.TYPE_MESSAGE, _MASK) for name in masks),
            *((name, F.TYPE_BOOL, "") for name in bools),
            *((name, F.TYPE_INT32 if name == "page_size" else F.TYPE_INT64, "") for name in numbers),
        ]
        taken = {field.name for field in message.field}
        for field_name, kind, named in typed:
            if field_name not in taken:
                self._field(message, field_name, kind, named)
        return self._finished(message)

    def _column_of_key(self, message: DescriptorProto, column: Column) -> None:
        kind = column.of
        self._field(message, column.name, kind.type, self._full_name(kind.message), presence=column.presence)

    def _full_name(self, name: str) -> str:
        """Return the name of a message or enum as descriptors spell it; empty for none."""
        if not name:
            return ""
        return f".{name}" if name.startswith("google.") else self.prefix + name

    def _rows(self, message: DescriptorProto) -> None:
        self._field(message, "rows", F.TYPE_MESSAGE, self.prefix + self.schema.message, repeated=True)

    def _response(
        self, name: str, *, strings: Iterable[str] = (), numbers: Iterable[str] = (), missing: bool = False
    ) -> DescriptorProto:
        message = self._request(name, strings=strings, numbers=numbers)
        self._rows(message)
        if missing:
            self._field(
                message, "missing", F.TYPE_MESSAGE, f"{self.prefix}{self.schema.message}Key", repeated=True
            )
        return message

    def _many(self, name: str, field: str, item: str) -> DescriptorProto:
        message = DescriptorProto(name=name)
        self._field(message, field, F.TYPE_MESSAGE, self.prefix + item, repeated=True)
        return message

    def _upsert(self, name: str) -> DescriptorProto:
        message = self._request(
            name, masks=["update_mask"], bools=["partial_failure", "outcomes", "validate_only"]
        )
        self._rows(message)
        self._field(message, "conflict_target", F.TYPE_STRING, repeated=True)
        self._field(message, "on_conflict", F.TYPE_ENUM, ".rowgate.v1.OnConflict", presence=True)
        self._field(message, "on_duplicate", F.TYPE_ENUM, ".rowgate.v1.OnDuplicate", presence=True)
        return self._finished(message)

    def _upserted(self, name: str, *, watermark: bool = False) -> DescriptorProto:
        counts = [
            f"{what}_count"
            for what in ("inserted", "updated", "unchanged", "ignored", "superseded", "failed")
        ]
        message = self._request(name, numbers=[*counts, *(["watermark"] if watermark else [])])
        self._field(message, "failures", F.TYPE_MESSAGE, ".rowgate.v1.RowFailure", repeated=True)
        self._field(message, "outcomes", F.TYPE_ENUM, ".rowgate.v1.RowOutcome", repeated=True)
        return message

    def _chunk(self, name: str) -> DescriptorProto:
        message = self._request(name, numbers=["sequence"])
        self._field(message, "start", F.TYPE_MESSAGE, ".rowgate.v1.IngestStart")
        self._rows(message)
        return message

    def _service(self) -> ServiceDescriptorProto:
        name, service = self.schema.message, ServiceDescriptorProto(name=f"{self.schema.message}Service")
        for verb in ("Get", "Create", "Update", "Delete", *(["Undelete"] if self._deleted() else [])):
            self._method(service, verb, name, f"{verb}{name}Request", name)
        for verb in ("List", "BatchGet", "BatchCreate", "BatchUpdate", "BatchDelete", "Count", "BulkUpsert"):
            self._method(service, verb, f"{name}s", f"{verb}{name}sRequest", f"{verb}{name}sResponse")
        for verb in ("Stream", "Ingest"):
            method = self._method(
                service, verb, f"{name}s", f"{verb}{name}sRequest", f"{verb}{name}sResponse"
            )
            method.server_streaming, method.client_streaming = True, verb == "Ingest"
        return service

    def _method(self, service: ServiceDescriptorProto, verb: str, of: str, request: str, answer: str) -> Any:
        method = service.method.add(
            name=verb + of, input_type=self.prefix + request, output_type=self.prefix + answer
        )
        method.options.Extensions[_METHOD].resource = self.schema.message
        return method
