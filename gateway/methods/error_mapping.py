"""The mapping of a database's refusal to the request: constraint and column names → proto paths."""

from collections.abc import Iterable
from typing import TypeVar

from gateway.db.driver_errors import is_of_a_name, without_names
from gateway.errors import (
    AlreadyExists,
    FailedPrecondition,
    FieldViolation,
    Internal,
    ResourceRef,
    RowgateError,
)
from gateway.request.keys import Key, below, key_text
from gateway.request.rows import Values
from gateway.schema.model import Resource
from gateway.schema.tables.metadata import constraints

E = TypeVar("E", bound=RowgateError)


def map_error(
    error: E, resource: Resource, path: str, key: Key | None = None, values: Values | None = None
) -> E:
    """Return the error with a violation for each field that the refused constraint or column stands for.

    Args:
        error: what the query executor raised; its metadata may name `constraint`, `column` and `table`.
        resource: the resource that was written.
        path: the proto path of the resource's message in the request, such as `flight` or `rows[3]`.
        key: the row's key where it is known: an AlreadyExists of the key then names the row in the way.
        values: the driver values that were sent, by column: PostgreSQL names none that it can't encode.

    An error that names nothing of the resource comes back as it is, and so does one that no request causes.

    """
    if isinstance(error, Internal):
        return error
    error, resource = of_known_columns(error, resource), resource.askable
    columns = _columns(error, resource) or _unwritable(error, values or {}) or _names(error, resource)
    if not columns:
        return error
    fields = [field for field in resource.fields if field.column in columns]
    told = {violation.field for violation in error.violations}
    added = [
        FieldViolation(place, _WRONG.get(error.code, "is refused by the database"), error.reason)
        for place in (below(path, field.name) for field in fields)
        if place not in told
    ]
    resources = error.resources
    is_of_key = columns == frozenset(resource.primary_key)
    if isinstance(error, AlreadyExists) and is_of_key and key is not None and not resources:
        resources = (ResourceRef(resource.message.full_name, key_text(resource, key)),)
    return with_details(error, violations=(*error.violations, *added), resources=resources)


def of_known_columns(error: E, resource: Resource) -> E:
    """Return the error without the names of columns and constraints that its caller doesn't know."""
    metadata = error.metadata
    if not resource.limits_key or not _is_of(error, resource):
        return error
    columns = {field.column for field in resource.askable.fields}
    is_known = metadata.get("column") in (None, *columns)
    named = metadata.get("constraint")
    is_known = is_known and (named is None or named in constraints(resource))
    return error if is_known else without_names(error, ("column", "constraint", "type"))


def _is_of(error: RowgateError, resource: Resource) -> bool:
    """Return whether the error is of the resource's table, or of a partition, which PostgreSQL names."""
    named = error.metadata.get("table", resource.table)
    return named == resource.table or named in resource.parts


_GENERATED = "GENERATED_COLUMN"
_UNWRITABLE = "INVALID_TEXT"
_NAMES = frozenset(
    {
        *("regclass", "regcollation", "regconfig", "regdictionary", "regnamespace", "regoper", "regoperator"),
        *("regproc", "regprocedure", "regrole", "regtype"),
    }
)
_WRONG = {AlreadyExists.code: "is taken", FailedPrecondition.code: "does not fit what is stored"}


def _names(error: RowgateError, resource: Resource) -> frozenset[str]:
    """Return the one column that holds names in the database, where a value is none."""
    if not is_of_a_name(error):
        return frozenset()
    names = frozenset(field.column for field in resource.fields if field.type.sql in _NAMES)
    return names if len(names) == 1 else frozenset()


def _unwritable(error: RowgateError, values: Values) -> frozenset[str]:
    """Return the column whose text the database's encoding can't hold, where no other one can be it."""
    if error.reason != _UNWRITABLE:
        return frozenset()
    unusual = frozenset(name for name, value in values.items() if not str(value).isascii())
    return unusual if len(unusual) == 1 else frozenset()


def _columns(error: RowgateError, resource: Resource) -> frozenset[str]:
    metadata = error.metadata
    if not _is_of(error, resource):
        return frozenset()
    named = constraints(resource).get(metadata.get("constraint", ""), ())
    if error.reason == _GENERATED and "column" not in metadata:
        # PostgreSQL says so in its message alone; no other column that requests write is its own to fill.
        named = tuple(field.column for field in resource.fields if field.identity)
    return frozenset((*named, *filter(None, [metadata.get("column")])))


def with_details(
    error: E, *, violations: Iterable[FieldViolation], resources: Iterable[ResourceRef] | None = None
) -> E:
    """Return a copy of the error with other violations and, where given, other resources."""
    copy = type(error)(
        error.message,
        reason=error.reason,
        metadata=error.metadata,
        violations=tuple(violations),
        resources=tuple(error.resources if resources is None else resources),
        retry_delay=error.retry_delay,
    )
    copy.__cause__ = error.__cause__ or error
    return copy
