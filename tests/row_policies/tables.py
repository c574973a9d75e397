"""The tables of the three schemas: their fields, the values of rows, and what SQL alone knows of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any

from rowgate.v1 import annotations_pb2

from tests.harness.gateway import descriptors_of
from tests.row_policies.callers import IDS, TENANTS, UIDS, Caller

Draw = Callable[[Random], Any]
Row = dict[str, Any]

STATES = ("STATE_UNSPECIFIED", "STATE_OPEN", "STATE_LENT", "STATE_SEALED")
VAULT_DOCUMENT = '{"size": 1e400, "name": "treasure"}'
"""What no double holds: a cast of it fails, so a filter may only meet it where its row may be read."""

_OWNERS = ("ann", "ann", "bob", "bob", *IDS)
_HOUSES = ("acme", "acme", "acme", "evil", *TENANTS)


@dataclass(frozen=True, slots=True)
class Field:
    """A column.

    Args:
        kind: `text`, `int`, `bool`, `enum`, `uuid`, `time`, `document` or `vector`.
        draw: a value for it.
        optional: whether it may be NULL.
        column: its name in the database.
        fixed: whether no request sets it but by the key.
        read: the roles that may read it; none for all.
        write: those of them that may write it; none for all.
        mask: what others see of a value; None where they see nothing.
        create: what of the caller it is set to in a new row, as policies name it.
        update: what it is set to in a row that changes.

    """

    kind: str
    draw: Draw
    optional: bool = False
    column: str = ""
    fixed: bool = False
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    mask: Callable[[str], str] | None = None
    create: str = ""
    update: str = ""

    @property
    def is_preset(self) -> bool:
        """Whether requests have no say in it."""
        return bool(self.create or self.update)


@dataclass(frozen=True, slots=True)
class Table:
    """A table, and how its methods are called.

    Args:
        schema: the folder of tests/schemas.
        name: the message's.
        plural: as methods have it.
        relation: in SQL.
        key: its fields.
        fields: all that are stored.
        unique: unique keys beside the primary key.
        refers: the fields that name a row of another table by its key.
        versioned: whether it has a version and an etag.
        soft: whether its rows are marked as deleted.
        by_keys: whether BatchDelete takes keys.
        trigger: what a trigger makes of a row that is written.
        defaults: values of fields that a new row leaves out.
        vault: what a row holds that nobody may read.
        filters: those of callers.
        across: those that go by relations to rows of other tables.
        orders: what rows of relations are ordered by, beside the table's own fields.
        tenant: the claim that every row's `tenant` has to be; empty where tenants aren't kept apart.
        wall: whether the database's own policy lets a caller see a row.

    """

    schema: str
    name: str
    plural: str
    relation: str
    key: tuple[str, ...]
    fields: Mapping[str, Field]
    unique: Sequence[tuple[str, ...]] = ()
    refers: Mapping[str, str] = field(default_factory=dict)
    versioned: bool = False
    soft: bool = False
    by_keys: bool = True
    trigger: Callable[[Row], None] | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    vault: Mapping[str, Any] = field(default_factory=dict)
    filters: Sequence[str] = ()
    across: Sequence[str] = ()
    orders: Sequence[str] = ()
    tenant: str = ""
    wall: Callable[[Row, Caller], bool] | None = None

    @property
    def types(self) -> Mapping[str, str]:
        """The kinds of its fields; with a question mark those that may be NULL."""
        return {**{name: one.kind for name, one in self.fields.items()}, **self._optional}

    @property
    def _optional(self) -> Mapping[str, str]:
        return {f"{name}?": "" for name, one in self.fields.items() if one.optional}

    @property
    def lower(self) -> str:
        """The name as fields have it."""
        return self.name.lower()

    @property
    def rows(self) -> str:
        """The field of its rows in responses."""
        return self.plural.lower()

    def method(self, kind: str) -> str:
        """Return a method's full name."""
        verb = kind.removesuffix("ByFilter")
        of_groups = kind in ("Exists", "Aggregate")
        of_many = ("List", "Count", "Stream", "Search", "BulkUpsert", "Ingest")
        many = kind.startswith("Batch") or kind in of_many
        plural = many or of_groups
        subject = f"{self.plural}ByFilter" if verb != kind else self.plural if plural else self.name
        service = f"{self.name}{'Statistics' if of_groups else ''}Service"
        return f"{self.schema}.v1.{service}/{verb}{subject}"

    def key_of(self, row: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return a row's key."""
        return tuple(row[name] for name in self.key)


@cache
def policy_of(table_schema: str, name: str) -> Any:
    """Return the policy as the proto says it; None where there is none."""
    for file in descriptors_of(table_schema).file:
        for message in file.message_type:
            options = message.options.Extensions[annotations_pb2.table]  # type: ignore[index]
            if message.name == name and options.HasField("policy"):
                return options.policy
    return None


def _of(*values: Any) -> Draw:
    return lambda chance: chance.choice(values)


def _numbered(name: str, most: int) -> Draw:
    return lambda chance: f"{name}{chance.randrange(most)}"


def _last(count: int) -> Callable[[str], str]:
    return lambda value: f"***{value[-count:]}" if len(value) >= 2 * count else "***"


def _first(count: int) -> Callable[[str], str]:
    return lambda value: f"{value[:count]}***" if len(value) >= 2 * count else "***"


def _handed_on(row: Row) -> None:
    if row["holder"] == "handover":
        row["holder"] = "warden"


def _given_away(row: Row) -> None:
    if row["name"] == "given away":
        row["steward"] = "nobody"
        row["grade"] += 1


_SMALL = Field("int", lambda chance: chance.randrange(1, 40))

DESK = Table(
    "offices",
    "Desk",
    "Desks",
    "desk",
    ("id",),
    {
        "id": _SMALL,
        "tenant": Field("text", _of(*_HOUSES)),
        "owner": Field("text", _of(*_OWNERS)),
        "label": Field("text", _numbered("label ", 30)),
        "badge": Field("text", _numbered("badge ", 40)),
        "level": Field("int", _of(-1, 0, 2, 5, 8, 9)),
        "public": Field("bool", _of(True, False)),
        "note": Field(
            "text",
            _of(None, None, "", "locked", "locked*", "a note"),
            optional=True,
            read=("auditor", "editor"),
            mask=_last(3),
        ),
        "doc": Field(
            "document",
            _of(None, '{"size": 3}', '{"size": "7"}', '{"size": 7}', VAULT_DOCUMENT),
            optional=True,
            read=("auditor", "editor"),
        ),
        "shade": Field("text", _of(None, "red", "blue"), optional=True, write=("editor",)),
        "author": Field("text", _of(*_OWNERS), create="principal.id"),
        "mover": Field("text", _of(None, *_OWNERS), optional=True, update="principal.id"),
    },
    unique=(("tenant", "label"), ("badge",)),
    vault={"tenant": "nowhere"},
    filters=(
        'tenant = "evil"',
        'owner = "ann" OR level > 2',
        "NOT public = true",
        "note = null",
        'note = "lock*"',
        'note = "locked\\*" OR note = ""',
        'note != "locked"',
        "doc.size > 4",
        "doc.size = 3",
        "NOT doc.size:7",
        'owner.matches("^[ab]n")',
        "note.length() > 6",
        'badge = "badge 3"',
        'label:"1"',
        "level > 4 AND public = true",
        'owner.startsWith("a")',
        'shade = "red"',
        'author = "ann"',
        "mover = null",
        '"lock"',
        '"ed"',
    ),
    across=(
        "notices:*",
        "NOT notices.id > 9",
        "count(notices, id > 9) > 0",
        'exists(notices, id > 5 AND text = "a")',
        "notices.desks.level > 4",
        "exists(notices.desks, public = false AND level > 0)",
        "count(notices, count(desks) > 1) = 1",
        "notices.desks.doc.size > 4",
        "count(peers) > 2",
        "peers.doc.size > 4",
        'exists(peers, note = "locked" AND level > 2)',
        'count(peers, shade = "red") = 0',
        'notices.desks.note = "locked*"',
    ),
)
NOTICE = Table(
    "offices",
    "Notice",
    "Notices",
    "notice",
    ("id",),
    {"id": _SMALL, "author": Field("text", _of(*_OWNERS)), "text": Field("text", _of("a", "b"))},
    filters=('author = "ann"', "id > 9"),
    across=(
        "desks:*",
        "NOT desks:*",
        "count(desks) > 1",
        "count(desks, level > 2) < 2",
        'desks.tenant = "evil"',
        'desks.note = "a note"',
        "exists(desks, level > 2 AND NOT public = true)",
        "desks.doc.size > 4",
        'NOT desks.badge:"1"',
        "exists(desks, count(peers) > 3)",
    ),
)
LETTER = Table(
    "offices", "Letter", "Letters", "letter", ("id",), {"id": _SMALL, "text": Field("text", _of("a", "b"))}
)
MEMO = Table(
    "offices",
    "Memo",
    "Memos",
    "memo",
    ("id",),
    {
        "id": _SMALL,
        "tenant": Field("text", _of(*_HOUSES)),
        "owner": Field("text", _of(*_OWNERS)),
        "public": Field("bool", _of(True, False)),
        "text": Field("text", _of("the old sea", "Sea wolf", "wolf, wolf", "old", "an old wolf")),
        "note": Field(
            "text",
            _of(None, "locked", "old sea", "wolf", "a < sea"),
            optional=True,
            read=("auditor", "editor"),
            mask=_last(3),
        ),
        "spot": Field("vector", _of("[1,2]", "[0,0]", "[3,1]", "[2,2]")),
    },
    filters=("public = true", 'owner = "ann"', 'note = "locked"', 'note != "wolf"', '"old"'),
)
"""Which are searched for, and nothing else."""
DOSSIER = Table(
    "archive",
    "Dossier",
    "Dossiers",
    '"Order"',
    ("shelf", "code"),
    {
        "shelf": Field("text", _of("a", "a", "b", "*", "vault")),
        "code": Field("uuid", lambda chance: f"{chance.randrange(20):08x}-0000-4000-8000-000000000000"),
        "holder": Field("uuid", _of(None, *UIDS), optional=True),
        "state": Field("enum", _of(*STATES)),
        "user": Field(
            "text",
            _of(None, "bob", "ann", "*", ""),
            optional=True,
            read=("editor",),
            mask=lambda _: "somebody",
        ),
        "number": Field("int", _of(0, 7, -3, 9)),
        "rank": Field("int", _of(None, 0, 3, 4, 9), optional=True, read=("auditor", "editor")),
        "open": Field("bool", _of(True, False)),
        "flag": Field("bool", _of(None, True, False), optional=True, write=("editor",)),
        "text": Field("text", _of("x", "y*", 'q"'), column='Mixed "Case"'),
        "data": Field("document", _of('{"size": 3}', '{"size": "7"}', '{"size": 9}', "[1]", VAULT_DOCUMENT)),
        "grade": Field("int", _of(None, 0, 3), optional=True, create="principal.claims.rank"),
    },
    by_keys=False,
    vault={"shelf": "vault"},
    filters=(
        "data.size > 4",
        "data.size = 3",
        "NOT data.size:9",
        'user.matches("^(?:bob)?$")',
        "text.length() > 1",
        'user = "bob" OR rank >= 3',
        "NOT rank > 3",
        "state = STATE_OPEN",
        "flag = null",
        "holder != null",
        'text = "y\\*"',
        'shelf = "vault"',
        'user = "*"',
        "NOT flag = true",
        "grade = 3",
        '"bob"',
        '"somebody"',
    ),
    across=(
        "others:*",
        "count(others) > 2",
        "others.data.size > 4",
        "exists(others, open = true AND number > 0)",
        'others.user = "bob"',
        "others.rank > 2",
        'NOT others.shelf = "a"',
        'others.shelf = "vault"',
        "count(others, flag = null) = 1",
        "count(peers) > 2",
        "peers.data.size = 3",
        'exists(others.peers, user = "ann")',
    ),
)
ESTATE = Table(
    "estates",
    "Estate",
    "Estates",
    "estate",
    ("id",),
    {
        "id": _SMALL,
        "tenant": Field("text", _of(*_HOUSES), optional=True),
        "steward": Field("text", _of(*_OWNERS)),
        "name": Field(
            "text", lambda chance: chance.choice(["kept", "given away", f"name {chance.randrange(30)}"])
        ),
        "grade": Field("int", _of(0, 3, 4, 9)),
        "version": Field("int", _of(1, 2, 3), fixed=True),
        "deleted_at": Field("time", _of(False, False, False, True), optional=True, fixed=True),
        "phone": Field(
            "text", _of(None, "12", "1234", "555-1234"), optional=True, read=("auditor",), mask=_first(2)
        ),
        "writer": Field("text", _of(*_OWNERS), create="principal.id", update="principal.id"),
    },
    unique=(("tenant", "name"),),
    versioned=True,
    soft=True,
    by_keys=False,
    trigger=_given_away,
    defaults={"tenant": "acme"},
    filters=(
        "grade > 3",
        'steward = "ann"',
        'tenant = "evil" OR grade = 0',
        'steward.matches("(?i)^A")',
        'name.lower() = "KEPT"',
        'name = "kept"',
        "NOT grade <= 3",
        'phone = "1234"',
        'writer = "ann"',
        '"555"',
    ),
    across=(
        "leases:*",
        "NOT leases:*",
        "count(leases) > 1",
        'leases.holder = "ann"',
        'exists(leases, holder = "ann" AND after = null)',
        'NOT leases.before.holder = "bob"',
        "leases.lines:*",
        "count(leases, lines.id > 9) > 0",
        "count(leases, next:*) = 0",
    ),
    tenant="org.tenant",
)
LEASE = Table(
    "estates",
    "Lease",
    "Leases",
    "lease",
    ("id",),
    {
        "id": Field("text", _numbered("lease ", 30)),
        "tenant": Field("text", _of(*_HOUSES)),
        "holder": Field("text", _of(*_OWNERS, "handover")),
        "estate": Field("int", lambda chance: chance.choice([None, chance.randrange(1, 40)]), optional=True),
        "after": Field(
            "text", lambda chance: chance.choice([None, f"lease {chance.randrange(30)}"]), optional=True
        ),
        "version": Field("int", _of(1, 2, 3), fixed=True),
    },
    refers={"estate": "Estate", "after": "Lease"},
    versioned=True,
    by_keys=False,
    trigger=_handed_on,
    filters=('holder = "ann"', "estate > 4", "after = null", "NOT estate < 9", 'tenant = "evil"'),
    across=(
        "held:*",
        "held = null",
        "NOT held:* AND estate != null",
        "held.grade > 3",
        "NOT held.grade > 3",
        "held.grade = null",
        'held.name = "kept"',
        'held.phone = "1234"',
        'held.steward.startsWith("a")',
        "before.held.grade >= 3",
        "before:*",
        'before.holder != "bob"',
        "count(next) > 0",
        "count(held.leases) > 1",
        "NOT count(before.lines) > 0",
        'exists(next, holder = "ann" AND held:*)',
        "lines:*",
        "count(lines, whole:*) > 1",
    ),
    orders=(
        "held.grade",
        "held.name",
        "held.phone",
        "held.writer",
        "before.holder",
        "before.held.grade",
        "before.before.estate",
    ),
    tenant="org.tenant",
)
LINE = Table(
    "estates",
    "Line",
    "Lines",
    "line",
    ("id",),
    {
        "id": _SMALL,
        "lease": Field("text", _numbered("lease ", 30)),
        "remark": Field(
            "text", _of(None, "short", "a remark"), optional=True, read=("auditor",), mask=_last(3)
        ),
        "mark": Field("bool", _of(None, True, False), optional=True, write=("editor",)),
        "writer": Field("text", _of(*_OWNERS), create="principal.id", update="principal.id"),
    },
    refers={"lease": "Lease"},
    filters=("id > 9", "mark = true", 'remark = "short"', 'writer = "ann"'),
    across=(
        "whole:*",
        "NOT whole:*",
        'whole.holder = "ann"',
        "whole.held.grade > 3",
        'whole.held.phone = "1234"',
        "whole.estate = null",
        "count(whole.lines) > 1",
        "exists(whole.next.lines, id > 4)",
    ),
    orders=("whole.holder", "whole.estate", "whole.held.grade", "whole.held.phone"),
)


def _of_tenant(row: Row, caller: Caller) -> bool:
    org = caller.claims.get("org")
    return isinstance(org, Mapping) and isinstance(org.get("tenant"), str) and org["tenant"] == row["tenant"]


def _of_tenant_or_own(row: Row, caller: Caller) -> bool:
    return _of_tenant(row, caller) or (caller.kind != "anonymous" and row["owner"] == caller.id)


WARD = Table(
    "wards",
    "Ward",
    "Wards",
    "ward",
    ("id",),
    {
        "id": _SMALL,
        "tenant": Field("text", _of(*_HOUSES)),
        "name": Field("text", _of("a", "b", "c")),
        "level": Field("int", _of(0, 3, 5, 9)),
    },
    filters=("level > 3", 'tenant = "evil"', '"a"'),
    across=("beds:*", "count(beds) > 1", 'exists(beds, owner = "ann")', 'NOT beds.tenant = "evil"'),
    wall=_of_tenant,
)
BED = Table(
    "wards",
    "Bed",
    "Beds",
    "bed",
    ("id",),
    {
        "id": _SMALL,
        "tenant": Field("text", _of(*_HOUSES)),
        "ward": Field("int", lambda chance: chance.choice([None, chance.randrange(1, 40)]), optional=True),
        "owner": Field("text", _of(*_OWNERS)),
    },
    refers={"ward": "Ward"},
    filters=('owner = "ann"', "ward = null"),
    across=("place:*", "place.level > 3", 'NOT place.name = "a"', "count(place.beds) > 1"),
    orders=("place.level", "place.name"),
    wall=_of_tenant_or_own,
)
TABLES: Mapping[str, Sequence[Table]] = {
    "offices": (DESK, NOTICE, LETTER, MEMO),
    "archive": (DOSSIER,),
    "estates": (ESTATE, LEASE, LINE),
    "wards": (WARD, BED),
}
"""Those of each schema, each after those that it refers to."""

CALLED: Mapping[str, Sequence[Table]] = {
    "offices": (DESK, DESK, DESK, NOTICE, LETTER),
    "archive": (DOSSIER,),
    "estates": (ESTATE, ESTATE, LEASE, LEASE),
}
"""Those that cases are about, the more often the more their policies say."""

SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "estates": {
        "auth_tenant_column": "tenant",
        "auth_tenant_claim": "org.tenant",
        "auth_tenant_exempt": ["estates.v1.Line"],
    },
}
"""What gateways over a schema are told beside."""

PAST_THE_GATEWAY: Mapping[str, str] = {
    "estates": """
        CREATE FUNCTION hand_on() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN IF NEW.holder = 'handover' THEN NEW.holder := 'warden'; END IF; RETURN NEW; END $$;
        CREATE TRIGGER hand_on BEFORE INSERT OR UPDATE ON lease FOR EACH ROW EXECUTE FUNCTION hand_on();
        CREATE FUNCTION give_away() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN
            IF NEW.name = 'given away' THEN NEW.steward := 'nobody'; NEW.grade := NEW.grade + 1; END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER give_away BEFORE INSERT OR UPDATE ON estate FOR EACH ROW EXECUTE FUNCTION give_away();
    """,
}
"""What SQL makes in a schema's database, of which the protos know nothing."""

LOGIN, MEMBER = "rowgate_wards_login", "rowgate_wards_member"
_CLAIMS = "current_setting('request.jwt.claims', true)::json"
_TENANT = f"{_CLAIMS} -> 'org'"
WALLS: Mapping[str, Sequence[str]] = {
    "wards": (
        *(
            f"DO $$ BEGIN IF to_regrole('{role}') IS NULL THEN CREATE ROLE {role} {how}; END IF; END $$"
            for role, how in ((LOGIN, "LOGIN NOINHERIT"), (MEMBER, "NOLOGIN"))
        ),
        f"GRANT {MEMBER} TO {LOGIN}",
        f"GRANT USAGE ON SCHEMA public TO {LOGIN}, {MEMBER}",
        f"GRANT USAGE ON SCHEMA rowgate TO {LOGIN}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA rowgate TO {LOGIN}",
        f"GRANT SELECT, UPDATE ON ward, bed TO {MEMBER}",
        "ALTER TABLE ward ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE bed ENABLE ROW LEVEL SECURITY",
        f"CREATE POLICY of_tenant ON ward USING (tenant = ({_TENANT} ->> 'tenant'))",
        f"CREATE POLICY of_tenant ON bed USING (tenant = ({_TENANT} ->> 'tenant'))",
        f"CREATE POLICY own ON bed USING (owner = ({_CLAIMS} ->> 'sub'))",
    ),
}
"""The database's own policies, of schemas that have no other."""
