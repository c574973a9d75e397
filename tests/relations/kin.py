"""The people of tests/schemas/kin, and what their relations hold: by joins that were written by hand."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from google.protobuf.message import Message

from gateway.request.paths import split_path
from tests.harness.gateway import RunningGateway
from tests.rpc.readside import insert, read_all

Key = tuple[Any, ...]
Tree = dict[str, "Tree"]
"""What a read mask names, by names of fields; an empty tree is the whole field."""


class Plural(NamedTuple):
    """How the rows of one resource are read.

    Args:
        method: the end of the names of its methods.
        rows: the field of their responses.
        key: the fields of the key.

    """

    method: str
    rows: str
    key: Sequence[str]


PLURALS = {
    "Region": Plural("Regions", "regions", ("country", "code")),
    "Town": Plural("Towns", "towns", ("id",)),
    "Person": Plural("People", "people", ("id",)),
    "Employer": Plural("Employers", "employers", ("id",)),
    "Badge": Plural("Badges", "badges", ("serial",)),
}
RELATIONS: Mapping[tuple[str, str], tuple[str, str]] = {
    ("Region", "towns"): ("Town", """
        SELECT r.country, r."Code Of It", t.id FROM "Odd Region" r
        JOIN town t ON (t.country, t.region_code) = (r.country, r."Code Of It") ORDER BY t.id"""),
    ("Town", "region"): ("Region", """
        SELECT t.id, r.country, r."Code Of It" FROM town t
        JOIN "Odd Region" r ON (t.country, t.region_code) = (r.country, r."Code Of It")
        WHERE r.deleted_at IS NULL"""),
    ("Town", "elders"): ("Person", """
        SELECT t.id, p.id FROM town t JOIN person p ON p."townId" = t.id AND p.deleted_at IS NULL
        WHERE p.age >= 18 AND p.mood <> 'CROSS' ORDER BY p.age DESC, p.id DESC"""),
    ("Town", "natives"): ("Person", """
        SELECT t.id, p.id FROM town t JOIN person p ON p.birthplace = t.name AND p.deleted_at IS NULL
        ORDER BY p.id"""),
    ("Person", "town"): ("Town", 'SELECT p.id, t.id FROM person p JOIN town t ON t.id = p."townId"'),
    ("Person", "parent"): ("Person", """
        SELECT p.id, q.id FROM person p JOIN person q ON q.id = p.parent_id AND q.deleted_at IS NULL"""),
    ("Person", "children"): ("Person", """
        SELECT p.id, q.id FROM person p JOIN person q ON p.id = q.parent_id AND q.deleted_at IS NULL
        ORDER BY q.id"""),
    ("Person", "employer"): ("Employer", """
        SELECT p.id, e.id FROM person p JOIN employer e ON e.name = p.employer_name"""),
    ("Person", "badge"): ("Badge", "SELECT p.id, b.serial FROM person p JOIN badge b ON b.person_id = p.id"),
    ("Person", "peers"): ("Person", """
        SELECT p.id, q.id FROM person p JOIN person q ON q.salary = p.salary AND q.deleted_at IS NULL
        ORDER BY q.id"""),
    ("Badge", "person"): ("Person", """
        SELECT b.serial, p.id FROM badge b JOIN person p ON p.id = b.person_id AND p.deleted_at IS NULL"""),
}  # fmt: skip
"""The target of each relation, and the keys of both sides, in the relation's order."""
LIMITS = {
    ("Region", "towns"): 10,
    ("Town", "elders"): 3,
    ("Town", "natives"): 5,
    ("Person", "children"): 11,
    ("Person", "peers"): 6,
}
"""The most rows of those relations that say so."""
See = Callable[[str, Any], Any]
"""Returns what a caller sees of a row of some resource; None where it isn't there for it."""


@dataclass(slots=True)
class Kin:
    """What is stored: each row's message without relations, and the keys of what its relations hold."""

    rows: dict[str, dict[Key, Any]] = field(default_factory=dict)
    held: dict[tuple[str, str], dict[Key, list[Key]]] = field(default_factory=dict)
    see: See = lambda _, row: row

    @classmethod
    async def read(cls, gateway: RunningGateway) -> "Kin":
        """Read all that is stored."""
        kin = cls()
        for name, plural in PLURALS.items():
            more = {"show_deleted": True} if name in ("Region", "Person") else {}
            method = f"kin.v1.{name}Service/List{plural.method}"
            messages = await read_all(gateway, method, plural.rows, 100, **more)
            kin.rows[name] = {key_of(name, one): one for one in messages}
        for (name, relation), (_, query) in RELATIONS.items():
            width, held = len(PLURALS[name].key), kin.held.setdefault((name, relation), {})
            columns = width + len(PLURALS[RELATIONS[name, relation][0]].key)
            names = ", ".join(f"k{i}" for i in range(columns))
            for row in await gateway.sql(f"SELECT * FROM ({query}) AS keys({names})"):  # noqa: S608 - from above
                values = (*row.values(),)
                held.setdefault(values[:width], []).append(values[width:])
        return kin

    def expected(self, name: str, key: Key, tree: Tree) -> Any:
        """Return the message of a row as a read mask of the tree shows it."""
        stored = self.see(name, self.rows[name][key])
        made = type(stored)()
        stored_names = [one.name for one in stored.DESCRIPTOR.fields if (name, one.name) not in RELATIONS]
        for field_name in stored_names:
            if "*" in tree or field_name in tree:
                _copy(stored, made, field_name, tree.get(field_name, {}))
        for field_name, below in tree.items():
            if (name, field_name) not in RELATIONS:
                continue
            target, _ = RELATIONS[name, field_name]
            others = self.held[name, field_name].get(key, ())
            seen = [one for one in others if self.see(target, self.rows[target][one]) is not None]
            for other in seen[: LIMITS.get((name, field_name))]:
                message = self.expected(target, other, below or {"*": {}})
                held = getattr(made, field_name)
                if made.DESCRIPTOR.fields_by_name[field_name].is_repeated:
                    held.append(message)
                else:
                    held.CopyFrom(message)
        return made


def key_of(name: str, message: Any) -> Key:
    """Return a row's key."""
    return tuple(getattr(message, one) for one in PLURALS[name].key)


def _copy(stored: Message, made: Message, name: str, tree: Tree) -> None:
    only = type(stored)()
    for descriptor, value in stored.ListFields():
        if descriptor.name == name:
            if descriptor.is_repeated or descriptor.message_type is not None:
                target = getattr(only, name)
                target.MergeFrom(value)
            else:
                setattr(only, name, value)
            if tree and descriptor.message_type is not None:
                _keep(getattr(only, name), tree)
    made.MergeFrom(only)


def _keep(message: Any, tree: Tree) -> None:
    for descriptor, value in message.ListFields():
        if descriptor.name not in tree:
            message.ClearField(descriptor.name)
        elif descriptor.is_repeated and tree[descriptor.name]:
            for one in value:
                _keep(one, tree[descriptor.name]["*"])


def paths_of(tree: Tree, name: str = "") -> list[str]:
    """Return the paths of a tree."""
    paths: list[str] = []
    for step, below in tree.items():
        target = RELATIONS.get((name, step), ("", ""))[0]
        many = target and step in ("towns", "elders", "natives", "children", "peers")
        if not below or below == {"*": {}}:
            paths.append(step)
            continue
        start = f"{step}.*" if many else step
        inner = dict(below)
        if target and inner.pop("*", None) is not None:
            paths.append(step)
        paths += [f"{start}.{path}" for path in paths_of(inner, target)]
    assert all(split_path(path) for path in paths)
    return paths


_MOODS = ("MOOD_UNSPECIFIED", "GLAD", "CROSS")


_OF_REGION = ("country", "region_code")


async def fill(gateway: RunningGateway, people: int = 60, seed: int = 7) -> None:
    """Store people, with NULLs, with the unknown and the deleted among what they refer to."""
    draw = random.Random(seed)  # noqa: S311 - the same each time
    resources = {one.name: one for one in gateway.schema.resources.values()}
    regions = [(country, code) for country in ("de", "fr") for code in (1, 2, 3)]
    await insert(
        gateway,
        resources["Region"],
        [
            {
                "country": country,
                "Code Of It": code,
                "name": f"{country} {code}",
                "deleted_at": "2024-01-01T00:00:00Z" if code == 3 else None,
            }
            for country, code in regions
        ],
    )
    towns = [
        {
            "id": i,
            "name": f"T{i % 7}",
            "version": 1 + i % 3,
            **dict(zip(_OF_REGION, draw.choice([*regions, ("de", None), (None, None)]), strict=True)),
        }
        for i in range(1, 13)
    ]
    await insert(gateway, resources["Town"], towns)
    await insert(
        gateway,
        resources["Employer"],
        [{"id": i, "name": f"E{i}", "size": 40 * i} for i in range(1, 5)],
    )
    await insert(gateway, resources["Person"], [_person(i, draw) for i in range(1, people + 1)])
    badges = [{"serial": f"B{i}", "person_id": i if i % 3 else None} for i in range(1, 1 + people // 2)]
    await insert(gateway, resources["Badge"], badges)


def _person(i: int, draw: random.Random) -> dict[str, Any]:
    rooms = [{"name": f"R{n}", "size": n / 4} for n in range(draw.randrange(3))]
    return {
        "id": i,
        "name": f"P{i}",
        "age": draw.randrange(80),
        "townId": draw.choice([None, *range(1, 13)]),
        "birthplace": draw.choice(["", "Atlantis", *(f"T{n}" for n in range(7))]),
        "parent_id": draw.choice([None, i, *range(max(1, i - 5), i)]),
        "employer_name": draw.choice([None, "E1", "E2", "E3", "E4", "Nobody", "nobody"]),
        "mood": draw.choice(_MOODS),
        "moods": draw.sample(_MOODS, draw.randrange(4)),
        "tags": [f"t{n}" for n in range(draw.randrange(4))],
        "salary": draw.choice([None, "10.50", "20.00", "99999999.99"]),
        "born": draw.choice([None, "1999-12-31"]),
        "seen_at": draw.choice([None, "2024-02-29T23:59:59.123456Z"]),
        "house": draw.choice([None, {"street": "Long", "rooms": rooms}]),
        "notes": draw.choice([None, {"a": {"b": [1, "x"]}}]),
        "address": draw.choice([None, "10.0.0.1", "fe80::1"]),
        "picture": f"\\x{i:04x}",
        "number": draw.choice([0, 2**64 - 1]),
        "height": draw.choice([0, 1.5, 0.1]),
        "phone": f"0{i:05d}",
        "open": draw.random() < 0.7,
        "deleted_at": draw.choice([None] * 5 + ["2024-01-01T00:00:00Z"]),
        "pass": draw.choice([None, f"00000000-0000-0000-0000-{i:012d}"]),
    }
