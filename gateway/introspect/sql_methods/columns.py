"""The columns of a query's rows beside the fields of their message: names, types, and which may be NULL."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gateway.introspect.sql_methods.description import Description, FoundType
from gateway.introspect.sql_methods.types import declared, result_type, right_for
from gateway.schema.diagnostics import Diagnostic, suggestion
from gateway.schema.model import Field, Resource
from gateway.schema.sql_method import Gives, SqlColumn, SqlMethod
from gateway.schema.types import InvalidTypeError


def read_columns(
    method: SqlMethod,
    found: Description,
    never_null: Mapping[int, bool],
    resources: Mapping[str, Resource],
    wrong: list[Diagnostic],
) -> tuple[SqlColumn, ...]:
    """Return the columns as the response's fields have them; what is wrong is noted.

    Args:
        method: the method.
        found: what PostgreSQL says of its query.
        never_null: the places of those that are plainly a table's, and NOT NULL there: whether a join may
            put NULL in their place.
        resources: by the full names of their messages.
        wrong: takes the diagnostics.

    """
    if method.gives in (Gives.COUNT, Gives.NOTHING):
        if found.columns:
            text = "the query returns columns, and the response holds none"
            wrong.append(method.wrong(0, text, "leave RETURNING out, or return a message with their names"))
        return ()
    columns, taken, is_misplaced = [], set[tuple[str, ...]](), False
    for place, (name, type_) in enumerate(found.columns):
        path = tuple(name.split("."))
        problem = _misplaced(method.row, path, taken)
        taken.add(path)
        if problem:
            is_misplaced = True
            wrong.append(method.wrong(_offset(method, name), *problem))
            continue
        field = _leaf(method.row, path)
        column = _column(method, name, field, type_, wrong)
        if column is None:
            continue
        proven = place in never_null and (len(path) > 1 or not never_null[place])
        counted = found.plan.is_never_null(place)
        if not (field.has_presence or proven or counted or name in method.not_null):
            wrong.append(method.wrong(_offset(method, name), *_nullable(name, field)))
        columns.append(SqlColumn(path, column))
    if not is_misplaced:  # as what has a wrong name is missing under its right one
        wrong += [method.wrong(0, *one) for one in _missing(method.row, taken, resources)]
    wrong += [method.wrong(0, *one) for one in _unknown(method, found)]
    return tuple(columns)


def _column(
    method: SqlMethod, name: str, field: FieldDescriptor, type_: FoundType, wrong: list[Diagnostic]
) -> Field | None:
    try:
        kind = result_type(field, type_)
    except InvalidTypeError as error:
        text = f'column "{name}" is {type_.name}, and {field.full_name} is {declared(field)}: {error.wrong}'
        right = right_for(type_, f'"{name}"')
        wrong.append(method.wrong(_offset(method, name), text, right))
        return None
    nullable = field.has_presence and name not in method.not_null
    return Field(name, name, field, kind, nullable=nullable, has_presence=field.has_presence)


def _misplaced(
    row: Descriptor, path: Sequence[str], taken: AbstractSet[tuple[str, ...]]
) -> tuple[str, str] | None:
    """Return what is wrong with the place of a column, and what would be right."""
    message: Descriptor | None = row
    for number, step in enumerate(path):
        if message is None:
            wrong = f'column "{".".join(path)}" leads into {".".join(path[:number])}, which is no message'
            return wrong, "name a field"
        field = message.fields_by_name.get(step)
        if field is None:
            right = suggestion(step, message.fields_by_name)
            return (
                f'column "{".".join(path)}" is no field of {message.full_name}',
                f"name it AS a field's. {right}",
            )
        if number + 1 < len(path) and (field.is_repeated or field.message_type is None):
            return f'column "{".".join(path)}" leads into {step}, which is no single message', "name a field"
        message = field.message_type
    whole = [one for one in taken if one[: len(path)] == tuple(path) or tuple(path[: len(one)]) == one]
    if whole:
        return f'column "{".".join(path)}" fills what "{".".join(whole[0])}" fills', "leave one of them out"
    return None


def _leaf(row: Descriptor, path: Sequence[str]) -> FieldDescriptor:
    *above, last = path
    message: Descriptor = row
    for step in above:
        held = message.fields_by_name[step].message_type
        if held is not None:
            message = held
    return message.fields_by_name[last]


def _nullable(name: str, field: FieldDescriptor) -> tuple[str, str]:
    text = f'column "{name}" may be NULL, for all that is known, and {field.full_name} can\'t say so'
    if field.is_repeated:
        return text, f'use coalesce, and name it in not_null: "{name}"'
    return text, f'declare the field optional, or name the column in not_null: "{name}"'


def _missing(
    message: Descriptor, taken: AbstractSet[tuple[str, ...]], resources: Mapping[str, Resource]
) -> Iterator[tuple[str, str]]:
    """Yield the fields that no column fills; those of resources that aren't stored need none."""
    resource = resources.get(message.full_name)
    for field in message.fields:
        if resource is not None and field.name not in resource.by_name:
            continue
        below = {path[1:] for path in taken if path[0] == field.name}
        if not below:
            right = f'add it: … AS "{field.name}", or leave the field out'
            yield f"the query has no column for {field.full_name}", right
        elif () not in below and field.message_type is not None:
            yield from _missing(field.message_type, below, resources)


def _unknown(method: SqlMethod, found: Description) -> Iterator[tuple[str, str]]:
    names = [name for name, _ in found.columns]
    for name in sorted(method.not_null - set(names)):
        yield f'not_null: the query has no column "{name}"', suggestion(name, names)


def _offset(method: SqlMethod, name: str) -> int:
    """Return where a column is named, for all that can be told."""
    return method.query.words.get(name, 0)
