"""The options of a BulkUpsert request, checked."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from rowgate.v1 import bulk_pb2

from gateway.errors import InvalidArgument
from gateway.policy.row_rules import TableRules
from gateway.request.enums import known_value
from gateway.request.masks import update_columns
from gateway.request.transforms import Transform, read_stored_transforms
from gateway.schema.model import Resource
from gateway.schema.services.requirements import set_by_server
from gateway.sql.bulk.shape import BulkShape


@dataclass(frozen=True, slots=True)
class Options:
    """How the rows are written.

    Args:
        shape: the key, and what a stored row takes.
        refuses_stored: whether a row whose key is stored fails (on_conflict = FAIL).
        last_wins: whether the last row of a key is written; otherwise those after the first fail.
        partial: whether good rows land when others are refused.
        outcomes: whether the answer tells each row's outcome.

    """

    shape: BulkShape
    refuses_stored: bool
    last_wins: bool
    partial: bool
    outcomes: bool


class OptionReader:
    """Reads options from the message that holds them.

    Args:
        resource: what is written.
        names: the message's field for each role.
        rules: of the table's rows; None where it has none.
        prefix: where the message stands in the request, such as `start.`.

    """

    def __init__(
        self, resource: Resource, names: Mapping[str, str], rules: TableRules | None, prefix: str = ""
    ) -> None:
        self._resource = resource
        self._rules = rules
        self._names = names
        self._prefix = prefix
        self._keys = unique_keys(resource)
        self._empty = GetMessageClass(resource.message)()

    def path(self, role: str) -> str:
        """Return the path of the field that plays a role."""
        return self._prefix + self._names.get(role, role)

    def __call__(self, request: Message) -> Options:
        """Return the options; raises InvalidArgument for a key or mask that the resource doesn't have."""
        conflict = known_value(
            bulk_pb2.OnConflict, self._value(request, "on_conflict", 0), self.path("on_conflict")
        )
        duplicate = known_value(
            bulk_pb2.OnDuplicate, self._value(request, "on_duplicate", 0), self.path("on_duplicate")
        )
        target, nulls_equal = self._target(request)
        replaced = self._replaced(request)
        transforms = self._transforms(request, target, replaced)
        updates = conflict in (bulk_pb2.ON_CONFLICT_UNSPECIFIED, bulk_pb2.ON_CONFLICT_UPDATE)
        if transforms and not updates:
            raise self._needless("leaves stored rows as they are: leave on_conflict or the transforms out")
        if transforms and duplicate == bulk_pb2.ON_DUPLICATE_LAST_WINS:
            raise self._needless("would lose what superseded rows add: leave on_duplicate out, or say FAIL")
        return Options(
            shape=BulkShape(
                resource=self._resource,
                target=target,
                updates=updates,
                replaced=replaced,
                nulls_equal=nulls_equal,
                rules=self._rules,
                transforms=transforms,
            ),
            refuses_stored=conflict == bulk_pb2.ON_CONFLICT_FAIL,
            last_wins=duplicate != bulk_pb2.ON_DUPLICATE_FAIL and not transforms,
            partial=self._value(request, "partial_failure", False),
            outcomes=self._value(request, "outcomes", False),
        )

    def _transforms(
        self, request: Message, target: Collection[str], replaced: Collection[str] | None
    ) -> tuple[Transform, ...]:
        name = self._names.get("transforms")
        if name is None or not request.HasField(name):
            return ()
        sent, path = getattr(request, name), self.path("transforms")
        return read_stored_transforms(self._resource, sent, target, replaced, path)

    def _needless(self, text: str) -> InvalidArgument:
        return InvalidArgument.field(self.path("transforms"), text, reason="INVALID_TRANSFORM")

    def _value(self, request: Message, role: str, default: Any) -> Any:
        name = self._names.get(role)
        return default if name is None else getattr(request, name)

    def _target(self, request: Message) -> tuple[tuple[str, ...], bool]:
        names = tuple(self._value(request, "conflict_target", ()))
        names = names or tuple(field.name for field in self._resource.key_fields)
        wanted = frozenset(names)
        for fields, (columns, nulls_equal) in self._keys.items():
            if frozenset(fields) == wanted and len(names) == len(wanted):
                return columns, nulls_equal
        known = "; ".join(", ".join(fields) for fields in self._keys) or "none"
        raise InvalidArgument.field(
            self.path("conflict_target"),
            f"names no unique key of {self._resource.message.full_name} that requests set: those are {known}",
            reason="UNKNOWN_CONFLICT_TARGET",
        )

    def _replaced(self, request: Message) -> frozenset[str] | None:
        name = self._names.get("update_mask")
        if name is None or not getattr(request, name).paths:
            return None
        path = self.path("update_mask")
        mask = update_columns(self._resource, getattr(request, name), self._empty, path)
        if mask.below:
            field = next(iter(mask.below))
            raise InvalidArgument.field(
                path,
                f'"{field}" is replaced whole: name it without a path below',
                reason="INVALID_FIELD_MASK",
            )
        return frozenset(field.column for field in mask.fields)


def unique_keys(resource: Resource) -> Mapping[tuple[str, ...], tuple[tuple[str, ...], bool]]:
    """Return the keys that can tell whether a row is there: field names → (columns, whether NULLs are equal).

    A partial unique index is none: it holds for some rows only. Nor is what the server sets.
    """
    keys = [(resource.primary_key, False)]
    keys += [(key.columns, key.nulls_not_distinct) for key in resource.unique]
    keys += [
        (tuple(part.column for part in index.columns), False)
        for index in resource.indexes
        if index.unique and index.where is None
    ]
    found: dict[tuple[str, ...], tuple[tuple[str, ...], bool]] = {}
    for columns, equal in keys:
        if set_by_server(resource, columns) is None:
            found.setdefault(tuple(resource.by_column[column].name for column in columns), (columns, equal))
    return found
