"""The tables of the three schemas: fields, keys and relations, as their protos say, and in words of SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.queries_oracle import kinds
from tests.queries_oracle.kinds import Kind

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """A column.

    Args:
        kind: of its values.
        optional: whether it may be NULL; it has presence then.
        column: its name in the database, where it is another.
        searched: whether a word alone is looked for in it.

    """

    kind: Kind
    optional: bool = False
    column: str = ""

    @property
    def searched(self) -> bool:
        """Whether a word alone is looked for in it."""
        return self.kind.name in ("text", "varchar", "wrapped text")


@dataclass(frozen=True, slots=True)
class Relation:
    """Rows of another table that a field holds.

    Args:
        target: the message of those rows.
        on: the fields that are equal, here and there.
        many: whether it is repeated.
        rule: what the schema's filter says, in SQL over `t`.
        order: the schema's, by fields, each with whether it descends.
        limit: the schema's.

    """

    target: str
    on: Mapping[str, str]
    many: bool = False
    rule: str = "true"
    order: Sequence[tuple[str, bool]] = ()
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Search:
    """What rows are searched by.

    Args:
        words: the fields whose words count, each with the letter of its weight.
        likeness: the fields whose texts are compared.
        vectors: the fields of vectors, each with pgvector's operator of its distance.
        language: of the words.
        threshold: how alike texts have to be where a request doesn't say.

    """

    words: Mapping[str, str]
    likeness: Sequence[str]
    vectors: Mapping[str, str] = field(default_factory=dict)
    language: str = "simple"
    threshold: float = 0.3


@dataclass(frozen=True, slots=True)
class Table:
    """A resource.

    Args:
        name: the message's.
        rows: the field of its rows in answers.
        relation: in SQL.
        key: its fields.
        fields: all that are stored.
        relations: those that hold other rows.
        deleted: the field that marks a row as deleted.
        refers: fields that name rows of other tables, by what they name there.
        equal: fields that requests have for equality.
        unique: a field that no two rows have alike.
        search: what its rows are searched by, if they are.

    """

    name: str
    rows: str
    relation: str
    key: Sequence[str]
    fields: Mapping[str, Field]
    relations: Mapping[str, Relation] = field(default_factory=dict)
    deleted: str = ""
    refers: Mapping[tuple[str, ...], tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    equal: Sequence[str] = ()
    unique: str = ""
    search: Search | None = None

    def column(self, name: str, alias: str = "t") -> str:
        """Return a field's column in SQL."""
        spelled = (self.fields[name].column or name).replace('"', '""')
        return f'{alias}."{spelled}"'

    @property
    def plural(self) -> str:
        """As the names of methods have it."""
        return self.rows.capitalize()

    def drawn(self, chance: Random) -> Row:
        """Draw a row."""
        return {
            name: None if one.optional and chance.random() < 0.25 else one.kind.draw(chance)
            for name, one in self.fields.items()
            if name != self.deleted
        } | ({self.deleted: one_in_five(chance)} if self.deleted else {})


def one_in_five(chance: Random) -> Any:
    """Return when a row was deleted, which most weren't."""
    return kinds.TIMESTAMP.draw(chance) if chance.random() < 0.2 else None


_TITLE = kinds.enum(
    "title",
    {"TITLE_DOCTOR": "dr. med.", "TITLE_PROFESSOR": "Prof"},
    {"TITLE_UNSPECIFIED": 0, "TITLE_DOCTOR": 1, "TITLE_PROFESSOR": 2},
)
_BLOOD = kinds.enum(
    "text",
    {name: name for name in ("BLOOD_UNSPECIFIED", "BLOOD_A", "BLOOD_ZERO")},
    {"BLOOD_UNSPECIFIED": 0, "BLOOD_A": 1, "BLOOD_ZERO": 2},
)
_USE_NUMBERS = {"USE_UNSPECIFIED": 0, "USE_COLD": 1, "USE_LARGE": 7}
_USE = kinds.enum("smallint", _USE_NUMBERS, _USE_NUMBERS)
_USE_NAMED = kinds.enum("text", {name: name for name in _USE_NUMBERS}, _USE_NUMBERS)
_CATALOG_NUMBERS = {"CATALOG_UNSPECIFIED": 0, "CATALOG_MESSIER": 1, "CATALOG_NEW": 2}
_CATALOG = kinds.enum("text", {name: name for name in _CATALOG_NUMBERS}, _CATALOG_NUMBERS)

CLINIC = (
    Table(
        "Doctor",
        "doctors",
        "doctor",
        ("id",),
        {
            "id": Field(kinds.UUID),
            "name": Field(kinds.TEXT),
            "title": Field(_TITLE, optional=True),
            "hired": Field(kinds.DATE, optional=True),
            "skills": Field(kinds.WORD_LIST),
            "starts": Field(kinds.HOUR, optional=True),
            "on_call": Field(kinds.BOOL, optional=True),
            "above_id": Field(kinds.UUID, optional=True, column="aboveId"),
        },
        {
            "above": Relation("Doctor", {"above_id": "id"}),
            "below": Relation("Doctor", {"id": "above_id"}, many=True, limit=4),
            "patients": Relation("Patient", {"id": "doctor_id"}, many=True, order=[("born", True)], limit=6),
            "paid_visits": Relation("Visit", {"id": "doctor_id"}, many=True, rule='t."paid"'),
        },
        refers={("above_id",): ("Doctor", ("id",))},
    ),
    Table(
        "Patient",
        "patients",
        "patient",
        ("id",),
        {
            "id": Field(kinds.BIG),
            "name": Field(kinds.TEXT),
            "nickname": Field(kinds.SHORT, optional=True),
            "born": Field(kinds.DATE, optional=True),
            "blood": Field(_BLOOD),
            "address": Field(kinds.ADDRESS, optional=True),
            "labels": Field(kinds.TEXT_MAP),
            "weight": Field(kinds.DOUBLE, optional=True),
            "phone": Field(kinds.WRAPPED_TEXT, optional=True),
            "doctor_id": Field(kinds.UUID, optional=True),
            "deleted_at": Field(kinds.TIMESTAMP, optional=True),
        },
        {
            "doctor": Relation("Doctor", {"doctor_id": "id"}),
            "visits": Relation("Visit", {"id": "patient_id"}, many=True, limit=3),
        },
        deleted="deleted_at",
        refers={("doctor_id",): ("Doctor", ("id",))},
        equal=("name", "blood", "weight"),
        search=Search({"name": "A", "nickname": "D"}, ["name"]),
    ),
    Table(
        "Visit",
        "visits",
        "visit",
        ("patient_id", "number"),
        {
            "patient_id": Field(kinds.BIG),
            "number": Field(kinds.INT, column="No"),
            "begun_at": Field(kinds.GROUPED, optional=True),
            "lasted": Field(kinds.DURATION, optional=True),
            "fee": Field(kinds.DECIMAL, optional=True),
            "scan": Field(kinds.BYTES),
            "paid": Field(kinds.BOOL),
            "findings": Field(kinds.STRUCT, optional=True),
            "doctor_id": Field(kinds.UUID, optional=True),
            "note": Field(kinds.TEXT),
        },
        {
            "patient": Relation("Patient", {"patient_id": "id"}),
            "doctor": Relation("Doctor", {"doctor_id": "id"}),
        },
        refers={("patient_id",): ("Patient", ("id",)), ("doctor_id",): ("Doctor", ("id",))},
        equal=("paid", "note"),
    ),
)
DEPOT = (
    Table(
        "Place",
        "places",
        '"Stock ""Place"""',
        ("aisle", "number"),
        {
            "aisle": Field(kinds.TEXT, column="Aisle"),
            "number": Field(kinds.INT, column="No."),
            "title": Field(kinds.TEXT, column="select"),
            "capacity": Field(kinds.HUGE, optional=True),
            "heat": Field(kinds.REAL),
            "use": Field(_USE),
            "sizes": Field(kinds.BIG_LIST),
            "counts": Field(kinds.INT_MAP),
            "uses": Field(kinds.enum_list(_USE_NAMED)),
        },
        {"parcels": Relation("Parcel", {"aisle": "aisle", "number": "place"}, many=True, limit=5)},
        search=Search({"title": "C"}, ["title"], language="english", threshold=0.2),
    ),
    Table(
        "Order",
        "orders",
        '"order"',
        ("id",),
        {
            "id": Field(kinds.BIG),
            "user": Field(kinds.TEXT),
            "limit": Field(kinds.INT),
            "offset": Field(kinds.INT, optional=True),
            "from": Field(kinds.HOUR, optional=True),
            "urgent": Field(kinds.BOOL, optional=True, column="CASE"),
            "seal": Field(kinds.BYTES, optional=True),
            "before_id": Field(kinds.BIG, optional=True),
        },
        {
            "parcels": Relation("Parcel", {"id": "order_id"}, many=True),
            "before": Relation("Order", {"before_id": "id"}),
            "namesakes": Relation("Parcel", {"user": "user"}, many=True, order=[("rank", True)], limit=3),
        },
        refers={("before_id",): ("Order", ("id",))},
        equal=("user", "urgent"),
        unique="user",
    ),
    Table(
        "Parcel",
        "parcels",
        '"table"',
        ("code",),
        {
            "code": Field(kinds.SHORT),
            "aisle": Field(kinds.TEXT, optional=True),
            "place": Field(kinds.INT, optional=True),
            "user": Field(kinds.TEXT, optional=True),
            "weight": Field(kinds.WEIGHT, optional=True),
            "value": Field(kinds.DECIMAL, optional=True, column="Order"),
            "rank": Field(kinds.WRAPPED, optional=True, column="group"),
            "last_rank": Field(kinds.SMALL, optional=True),
            "packed_at": Field(kinds.GROUPED_LOCAL, optional=True),
            "stops": Field(kinds.STOPS),
            "order_id": Field(kinds.BIG, optional=True),
            "gone_at": Field(kinds.TIMESTAMP, optional=True),
            "data": Field(kinds.JSON_TEXT, optional=True),
        },
        {
            "stored_in": Relation("Place", {"aisle": "aisle", "place": "number"}),
            "order": Relation("Order", {"order_id": "id"}),
        },
        deleted="gone_at",
        refers={
            ("aisle", "place"): ("Place", ("aisle", "number")),
            ("order_id",): ("Order", ("id",)),
            ("user",): ("Order", ("user",)),
        },
        equal=("user", "place"),
    ),
)
HEAVENS = (
    Table(
        "Galaxy",
        "galaxies",
        '"Deep Sky".galaxy',
        ("code", "catalog"),
        {
            "catalog": Field(_CATALOG),
            "code": Field(kinds.BIG),
            "name": Field(kinds.TEXT, optional=True),
            "lost_at": Field(kinds.TIMESTAMP, optional=True, column="Lost At"),
            "speed": Field(kinds.REAL, optional=True),
        },
        {
            "stars": Relation(
                "Star",
                {"code": "galaxy_code", "catalog": "catalog"},
                many=True,
                order=[("magnitude", False), ("name", True)],
                limit=7,
            )
        },
        deleted="lost_at",
    ),
    Table(
        "Star",
        "stars",
        '"Deep Sky".star',
        ("name",),
        {
            "name": Field(kinds.TEXT),
            "magnitude": Field(kinds.DOUBLE),
            "brightness": Field(kinds.DOUBLE, optional=True),
            "mass": Field(kinds.REAL, optional=True),
            "catalog": Field(_CATALOG, optional=True),
            "galaxy_code": Field(kinds.BIG, optional=True),
            "around": Field(kinds.TEXT, optional=True),
            "planets": Field(kinds.DOUBLE_LIST),
            "visible": Field(kinds.WRAPPED_BOOL, optional=True),
            "found_at": Field(kinds.TIMESTAMP, optional=True),
            "period": Field(kinds.DURATION, optional=True),
            "deleted_at": Field(kinds.TIMESTAMP, optional=True),
            "spot": Field(kinds.vector(2)),
            "course": Field(kinds.vector(3)),
        },
        {
            "galaxy": Relation("Galaxy", {"galaxy_code": "code", "catalog": "catalog"}),
            "center": Relation("Star", {"around": "name"}),
            "moons": Relation(
                "Star", {"name": "around"}, many=True, rule='NOT t."magnitude" > 1e300', limit=4
            ),
            "sightings": Relation("Sighting", {"name": "star"}, many=True, order=[("seen_at", True)]),
            "note": Relation("Note", {"name": "star"}),
        },
        deleted="deleted_at",
        refers={
            ("galaxy_code", "catalog"): ("Galaxy", ("code", "catalog")),
            ("around",): ("Star", ("name",)),
        },
        equal=("magnitude", "catalog"),
        search=Search({"name": "B", "around": "D"}, ["name", "around"], {"spot": "<->", "course": "<=>"}),
    ),
    Table(
        "Note",
        "notes",
        "note",
        ("number",),
        {
            "number": Field(kinds.NATURAL),
            "star": Field(kinds.TEXT, optional=True),
            "text": Field(kinds.TEXT),
            "words": Field(kinds.WORD_LIST),
        },
        {"of": Relation("Star", {"star": "name"})},
        refers={("star",): ("Star", ("name",))},
        unique="star",
    ),
    Table(
        "Sighting",
        "sightings",
        "sighting",
        ("id",),
        {
            "id": Field(kinds.BIG),
            "star": Field(kinds.TEXT, optional=True),
            "seen_at": Field(kinds.GROUPED, optional=True),
            "observer": Field(kinds.TEXT, column="By Whom"),
            "brightness": Field(kinds.ADDED, optional=True),
            "guess": Field(kinds.ADDED),
            "lasted": Field(kinds.DURATION, optional=True),
        },
        {"seen": Relation("Star", {"star": "name"})},
        refers={("star",): ("Star", ("name",))},
        equal=("star", "brightness"),
    ),
)
SCHEMAS: Mapping[str, Mapping[str, Table]] = {
    schema: {table.name: table for table in tables}
    for schema, tables in (("clinic", CLINIC), ("depot", DEPOT), ("heavens", HEAVENS))
}
"""The tables of each schema by their messages' names, in the order in which rows are drawn."""
BY_NAME = {name: table for tables in SCHEMAS.values() for name, table in tables.items()}
"""All tables by their messages' names, which are different in each schema."""
