"""Search methods: what their requests may ask for, and the message of a row that was found."""

from collections.abc import Mapping
from dataclasses import dataclass

from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from rowgate.v1 import annotations_pb2
from sqlalchemy.dialects import postgresql

from gateway.schema.diagnostics import Diagnostics
from gateway.schema.model import Field, Relation, Resource, StandardMethod
from gateway.schema.protos.options import has_table
from gateway.schema.search.ways import Search
from gateway.schema.tables.internal import OWN_COLUMNS
from gateway.schema.types import value_type
from gateway.schema.values import ValueKind, ValueType

SCORE, HIGHLIGHTS = "score", "highlights"
PARTS: Mapping[str, tuple[str, str]] = {
    "words": ("words_place", "words_rank"),
    "like": ("like_place", "similarity"),
    "near": ("near_place", "distance"),
    "also_near": ("also_near_place", "also_near_distance"),
}
"""The fields of a hit that tell of a part: the row's place among those that it found, and its measure."""

_NUMBERS = {
    SCORE: ("double", FieldDescriptor.TYPE_DOUBLE),
    **dict.fromkeys(("distance", "also_near_distance"), ("double", FieldDescriptor.TYPE_DOUBLE)),
    "words_rank": ("float", FieldDescriptor.TYPE_FLOAT),
    "similarity": ("float", FieldDescriptor.TYPE_FLOAT),
    **{places[0]: ("int32", FieldDescriptor.TYPE_INT32) for places in PARTS.values()},
}
_KNOWN = f"{', '.join(_NUMBERS)}, {HIGHLIGHTS}"
_HIGHLIGHT = "rowgate.v1.SearchHighlight"
_TEXTS = ValueType(
    sql="text[]", engine=postgresql.ARRAY(postgresql.TEXT(), dimensions=1), kind=ValueKind.ARRAY
)


@dataclass(frozen=True, slots=True)
class Hits:
    """What a found row is answered in.

    Args:
        fields: what tells of how it was found, by the names of their fields; `score` is among them.
        row: the field that holds the row itself.

    """

    message: Descriptor
    fields: Mapping[str, Field]
    row: FieldDescriptor

    def resource(self, of: Resource) -> Resource:
        """Return the hits as a resource, as filters and pages know one: its table isn't stored."""
        return Resource(self.message, of.schema, of.table, tuple(self.fields.values()), ())

    def relation(self, to: Resource) -> Relation:
        """Return the field that holds the row, as responses know fields that hold rows."""
        return Relation(self.row.name, self.row, to.message.full_name, (), to.primary_key, is_unique=True)


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class SearchMethod(StandardMethod):
    """A Search, with what its hits hold."""

    hits: Hits

    @property
    def search(self) -> Search:
        """The ways of finding rows, those that its callers may have."""
        return self.resource.search or Search()


def refuse_idle_parts(
    method: MethodDescriptor,
    request: Mapping[str, FieldDescriptor],
    resource: Resource,
    diagnostics: Diagnostics,
) -> None:
    """Note the parts of a request by which rows of the resource aren't found, and that there are none."""
    search, table = resource.search or Search(), resource.message.full_name
    nearest = (search.vectors, "say (rowgate.v1.column).vector at a repeated float field")
    ways = {
        "words": (search.words, "say (rowgate.v1.table).search.words"),
        "like": (search.likeness, "say (rowgate.v1.table).search.likeness"),
        "near": nearest,
        "also_near": nearest,
    }
    for part, (way, right) in ways.items():
        if part in request and not way:
            wrong = f"searches {table} by {part}, by which it isn't found"
            diagnostics.add(request[part].full_name, wrong, right)
    if not ways.keys() & request.keys():
        wrong = "searches for nothing: it has none of words, like and near"
        diagnostics.add(method.input_type.full_name, wrong, "add rowgate.v1.SearchWords words, or another")


def read_hits(message: Descriptor, resource: Resource, diagnostics: Diagnostics) -> Hits | None:
    """Return what a found row is answered in; None where it can't be, which is noted."""
    if has_table(message.full_name, diagnostics):
        wrong = "is a table's row, which has no place for its score"
        diagnostics.add(message.full_name, wrong, f"answer with a message that holds it, and {SCORE}")
        return None
    rows = [one for one in message.fields if _holds(one, resource.message.full_name)]
    fields = {one.name: _field(one) for one in message.fields if one not in rows and _fits(one)}
    for one in message.fields:
        if one not in rows and one.name not in fields:
            diagnostics.add(one.full_name, *_unfit(one))
    if len(rows) != 1:
        wrong = f"has {len(rows)} fields of {resource.message.full_name}"
        diagnostics.add(message.full_name, wrong, "have one, which holds the row that was found")
    if SCORE not in message.fields_by_name:
        diagnostics.add(message.full_name, f"lacks a field {SCORE!r} (double)".replace("'", '"'), "add it")
    return Hits(message, fields, rows[0]) if len(rows) == 1 and SCORE in fields else None


def _holds(field: FieldDescriptor, message: str) -> bool:
    held = field.message_type
    return held is not None and held.full_name == message and not field.is_repeated


def _fits(field: FieldDescriptor) -> bool:
    if field.name == HIGHLIGHTS:
        return bool(field.message_type and field.message_type.full_name == _HIGHLIGHT and field.is_repeated)
    is_number = field.name in _NUMBERS and field.type == _NUMBERS[field.name][1] and not field.is_repeated
    return is_number and (field.has_presence or field.name == SCORE)


def _unfit(field: FieldDescriptor) -> tuple[str, str]:
    if field.name == HIGHLIGHTS:
        return "is of the wrong type", f"{HIGHLIGHTS} must be repeated {_HIGHLIGHT}"
    if field.name not in _NUMBERS:
        return "has no meaning in a hit", f"known: {_KNOWN}, and the row itself"
    optional = "" if field.name == SCORE else "optional "
    return "is of the wrong type", f"{field.name} must be {optional}{_NUMBERS[field.name][0]}"


def _field(field: FieldDescriptor) -> Field:
    stored = _TEXTS if field.name == HIGHLIGHTS else value_type(field, annotations_pb2.ColumnOptions(), "")
    return Field(
        name=field.name,
        column=f"{OWN_COLUMNS}{field.name}",
        descriptor=field,
        type=stored,
        nullable=field.has_presence or field.name == HIGHLIGHTS,
        has_presence=field.has_presence,
    )
