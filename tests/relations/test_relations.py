"""What a read mask names of relations, by each method that reads rows, in messages and in JSON."""

from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.field_mask_pb2 import FieldMask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.sql.reads.relations import RelatedRows
from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway, start_gateway
from tests.harness.http import ask
from tests.relations.kin import PLURALS, RELATIONS, Kin, Tree, fill, paths_of

_PARTS: Tree = {"street": {}, "rooms": {"*": {"name": {}}}}


class Stored:
    """A gateway with people. No dataclass: a property test prints its arguments' fields."""

    def __init__(self, gateway: RunningGateway, kin: Kin) -> None:
        self.gateway, self.kin = gateway, kin


@pytest.fixture(scope="module")
async def stored(module_gateway_for: Any) -> Stored:
    gateway = await module_gateway_for("kin")
    await fill(gateway, people=30)
    return Stored(gateway, await Kin.read(gateway))


@pytest.fixture(scope="module")
async def stored_by_http(module_gateway_for: Any) -> Stored:
    gateway = await module_gateway_for("kin", transport="http")
    await fill(gateway, people=25)
    return Stored(gateway, await Kin.read(gateway))


@st.composite
def trees(draw: st.DrawFn, name: str, depth: int = 0) -> Tree:
    """Draw what a read mask names, down to four relations."""
    fields = list(PLURALS_FIELDS[name])
    named = draw(st.lists(st.sampled_from(fields), max_size=4, unique=True))
    tree: Tree = {"*": {}} if draw(st.booleans()) and depth else {one: {} for one in named}
    if "house" in tree and draw(st.booleans()):
        tree["house"] = dict(_PARTS)
    last = depth == 3
    relations = [one for owner, one in RELATIONS if owner == name and not (last and one == "children")]
    most = 2 if depth < 2 else 1
    for relation in (
        draw(st.lists(st.sampled_from(relations), max_size=most, unique=True)) if relations else ()
    ):
        target = RELATIONS[name, relation][0]
        tree[relation] = draw(trees(target, depth + 1)) if depth < 3 else {}
    return tree or {fields[0]: {}}


PLURALS_FIELDS = {
    "Region": ("country", "code", "name", "deleted_at"),
    "Town": ("id", "country", "region_code", "name", "version", "etag"),
    "Person": (
        *("id", "name", "age", "town_id", "birthplace", "employer_name", "mood", "moods", "tags", "salary"),
        *(
            "born",
            "seen_at",
            "house",
            "notes",
            "address",
            "picture",
            "number",
            "height",
            "phone",
            "open",
            "pass",
        ),
    ),
    "Employer": ("id", "name", "size"),
    "Badge": ("serial", "person_id"),
}
NAMED = st.sampled_from([*PLURALS]).flatmap(lambda name: st.tuples(st.just(name), trees(name)))
_SETTINGS = settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])


@_SETTINGS
@given(asked=NAMED)
async def test_list_holds_what_joins_find(stored: Stored, asked: tuple[str, Tree]) -> None:
    name, tree = asked
    kin, plural = stored.kin, PLURALS[name]
    mask = FieldMask(paths=paths_of(tree, name)).ToJsonString()
    answer = await stored.gateway.call(
        f"kin.v1.{name}Service/List{plural.method}", page_size=1000, read_mask=mask
    )
    live = [key for key, row in kin.rows[name].items() if not _is_deleted(row)]
    assert [*getattr(answer, plural.rows)] == [kin.expected(name, key, tree) for key in live]


def _is_deleted(row: Any) -> bool:
    return "deleted_at" in row.DESCRIPTOR.fields_by_name and row.HasField("deleted_at")


@settings(_SETTINGS, max_examples=30)
@given(asked=NAMED, data=st.data())
async def test_every_method_holds_the_same(
    stored: Stored, asked: tuple[str, Tree], data: st.DataObject
) -> None:
    name, tree = asked
    kin, plural = stored.kin, PLURALS[name]
    service, mask = f"kin.v1.{name}Service/", FieldMask(paths=paths_of(tree, name)).ToJsonString()
    key = data.draw(st.sampled_from([*kin.rows[name]]))
    one = dict(zip(plural.key, key, strict=True))
    wanted = kin.expected(name, key, tree)
    assert await stored.gateway.call(f"{service}Get{name}", one, read_mask=mask) == wanted
    keys = {"keys": [one, one]} if len(key) > 1 else {f"{plural.key[0]}s": [*key, *key]}
    batch = await stored.gateway.call(f"{service}BatchGet{plural.method}", keys, read_mask=mask)
    assert [*getattr(batch, plural.rows)] == [wanted, wanted]
    listed = await stored.gateway.call(f"{service}List{plural.method}", page_size=1000, read_mask=mask)
    chunks = stored.gateway.client.stream(f"{service}Stream{plural.method}", read_mask=mask)
    streamed = [row async for chunk in chunks for row in getattr(chunk, plural.rows)]
    assert streamed == [*getattr(listed, plural.rows)]


@settings(_SETTINGS, max_examples=30)
@given(asked=NAMED)
async def test_json_is_that_of_the_messages(stored_by_http: Stored, asked: tuple[str, Tree]) -> None:
    name, tree = asked
    kin, plural = stored_by_http.kin, PLURALS[name]
    mask = FieldMask(paths=paths_of(tree, name)).ToJsonString()
    path = f"/kin.v1.{name}Service/List{plural.method}"
    answer = await ask(stored_by_http.gateway.target, "POST", path, {"pageSize": 1000, "readMask": mask})
    live = [key for key, row in kin.rows[name].items() if not _is_deleted(row)]
    wanted = [kin.expected(name, key, tree) for key in live]
    assert answer.json[plural.rows] == [json_format.MessageToDict(one) for one in wanted]


async def test_stars_and_no_mask_leave_relations_out(stored: Stored) -> None:
    for mask in ("", "*"):
        person = await stored.gateway.call("kin.v1.PersonService/GetPerson", id=1, read_mask=mask)
        assert person == stored.kin.rows["Person"][1,]
    both = await stored.gateway.call("kin.v1.PersonService/GetPerson", id=2, read_mask="*,children.*.name")
    assert both == stored.kin.expected("Person", (2,), {"*": {}, "children": {"name": {}}})


@pytest.mark.parametrize(
    ("mask", "text"),
    [
        ("children.name", '"children" is repeated: write "children" or "children.*.…"'),
        ("parent.parent.parent.parent.parent", "below 4 relations"),
        ("parent.nam", 'kin.v1.Person has no field "nam"; did you mean "name"?'),
        ("*,name,parent", '"*" stands alone'),
        ("town.*", 'kin.v1.Town has no field "*"'),
    ],
)
async def test_wrong_paths_are_refused(stored: Stored, mask: str, text: str) -> None:
    with pytest.raises(RpcFailed) as failed:
        await stored.gateway.call("kin.v1.PersonService/GetPerson", id=1, read_mask=mask)
    assert (failed.value.reason, failed.value.fields) == ("INVALID_FIELD_MASK", ["read_mask"])
    assert text in failed.value.message


async def test_relations_of_a_mask_are_bounded(stored: Stored) -> None:
    relations = ("parent", "town", "employer", "badge", "children", "peers")
    starts = ("", "parent.", "children.*.", "peers.*.", "parent.parent.", "parent.children.*.")
    paths = [f"{start}{one}" for start in starts for one in relations]
    with pytest.raises(RpcFailed, match="relations; at most 32 are read"):
        await stored.gateway.call("kin.v1.PersonService/GetPerson", id=1, read_mask=",".join(paths))


async def test_what_is_written_leaves_relations_alone(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("kin")
    parent = {"id": "7", "name": "another"}
    person = {"id": "1", "name": "P", "parent": parent, "children": [parent]}
    with pytest.raises(RpcFailed, match="is a relation that isn't written") as failed:
        await gateway.call("kin.v1.PersonService/CreatePerson", person=person)
    assert (failed.value.reason, failed.value.fields) == ("RELATION_NOT_WRITTEN", ["person.parent"])
    await gateway.call("kin.v1.PersonService/CreatePerson", person={"id": "1", "name": "P"})
    await gateway.call("kin.v1.PersonService/UpdatePerson", person={**person, "age": 3})
    await gateway.call("kin.v1.PersonService/UpdatePerson", person=person, update_mask="*")
    with pytest.raises(
        RpcFailed, match='"parent" is a relation: it is read, and can\'t be written'
    ) as failed:
        await gateway.call("kin.v1.PersonService/UpdatePerson", person=person, update_mask="name,parent")
    assert (failed.value.reason, failed.value.fields) == ("INVALID_FIELD_MASK", ["update_mask"])
    assert [row["id"] for row in await gateway.sql("SELECT id FROM person")] == [1]


async def test_a_request_filters_orders_and_limits_relations(stored: Stored) -> None:
    asked = [
        {"path": "elders", "filter": "name != P3 AND age < 70", "order_by": "name desc", "limit": 2},
        {"path": "elders.*.children", "filter": 'tags:"t0"', "order_by": "age, name"},
        {"path": "region", "filter": "code = 1"},
    ]
    mask = "name,region.code,elders.*.name,elders.*.children.*.name"
    given = {"page_size": 100, "read_mask": mask, "relations": asked}
    towns = (await stored.gateway.call("kin.v1.TownService/ListTowns", given)).towns
    rows = await stored.gateway.sql("""
        SELECT t.id, t.name, r."Code Of It" AS code, ARRAY(
            SELECT ARRAY[p.name, (SELECT coalesce(string_agg(c.name, ' ' ORDER BY c.age, c.name), '') FROM (
                SELECT * FROM person c
                WHERE c.parent_id = p.id AND c.deleted_at IS NULL AND 't0' = ANY(c.tags)
                ORDER BY c.age, c.name, c.id LIMIT 11) c)]
            FROM person p WHERE p."townId" = t.id AND p.deleted_at IS NULL AND p.age >= 18
            AND p.mood <> 'CROSS' AND p.name <> 'P3' AND p.age < 70
            ORDER BY p.name DESC, p.id DESC LIMIT 2) AS elders
        FROM town t LEFT JOIN "Odd Region" r ON (t.country, t.region_code) = (r.country, r."Code Of It")
            AND r.deleted_at IS NULL AND r."Code Of It" = 1 ORDER BY t.id""")
    assert [
        [town.name, town.region.code, [[p.name, " ".join(c.name for c in p.children)] for p in town.elders]]
        for town in towns
    ] == [[row["name"], row["code"] or 0, row["elders"]] for row in rows]
    one = {"id": towns[0].id or rows[0]["id"], "read_mask": mask, "relations": asked}
    assert await stored.gateway.call("kin.v1.TownService/GetTown", one) == towns[0]
    ids = {"ids": [row["id"] for row in rows], "read_mask": mask, "relations": asked}
    assert [*(await stored.gateway.call("kin.v1.TownService/BatchGetTowns", ids)).towns] == [*towns]
    chunks = stored.gateway.client.stream("kin.v1.TownService/StreamTowns", read_mask=mask, relations=asked)
    assert [row async for chunk in chunks for row in chunk.towns] == [*towns]


async def test_rows_of_relations_come_in_the_order_of_other_rows(stored: Stored) -> None:
    order = {"order_by": "parent.name desc, employer.size", "limit": 4}
    given = {
        "page_size": 100,
        "order_by": "region.name desc",
        "read_mask": "id,natives.*.name,elders.*.name,elders.*.children.*.name",
        "relations": [{"path": "natives", **order}, {"path": "elders.*.children", **order}],
    }
    towns = (await stored.gateway.call("kin.v1.TownService/ListTowns", given)).towns
    some = """SELECT array_agg(name ORDER BY n) FROM (SELECT p.name, row_number() OVER (ORDER BY q.name DESC,
        e.size, p.id) AS n FROM person p LEFT JOIN person q ON q.id = p.parent_id AND q.deleted_at IS NULL
        LEFT JOIN employer e ON e.name = p.employer_name WHERE p.deleted_at IS NULL AND"""
    rows = await stored.gateway.sql(f"""
        SELECT t.id, ({some} p.birthplace = t.name) one WHERE n <= 4) AS natives FROM town t
        LEFT JOIN "Odd Region" r ON (t.country, t.region_code) = (r.country, r."Code Of It")
        AND r.deleted_at IS NULL ORDER BY r.name DESC, t.id DESC""")  # noqa: S608 - from above
    assert [(one.id, [p.name for p in one.natives]) for one in towns] == [
        (row["id"], row["natives"] or []) for row in rows
    ]
    assert any(len(one.natives) > 1 for one in towns)
    held = f"SELECT p0.name, ({some} p.parent_id = p0.id) one WHERE n <= 4) AS held FROM person p0"  # noqa: S608 - from above
    children = {row["name"]: row["held"] or [] for row in await stored.gateway.sql(held)}
    elders = [elder for one in towns for elder in one.elders]
    assert {one.name: [p.name for p in one.children] for one in elders} == {
        one.name: children[one.name] for one in elders
    }
    assert any(one.children for one in elders)


@pytest.mark.parametrize(
    ("asked", "field", "text"),
    [
        ({"path": "natives", "order_by": "children.name"}, "relations[0].order_by", "is of several rows"),
        ({"path": "name"}, "relations[0].path", '"name" leads to no relation'),
        ({"path": "elders.children"}, "relations[0].path", '"elders.children" leads to no relation'),
        ({"path": "elder"}, "relations[0].path", 'leads to no relation; did you mean "elders"?'),
        ({"path": "natives"}, "relations", '"natives" isn\'t read: name it in the read mask'),
        ({"path": "region", "limit": 1}, "relations[0]", '"region" holds one row: leave order and limit out'),
        ({"path": "elders", "limit": -1}, "relations[0].limit", "must not be negative"),
        ({"path": "elders", "filter": "nam = a"}, "relations[0].filter", 'Person has no field "nam"'),
        ({"path": "elders", "order_by": "house"}, "relations[0].order_by", "which has no order"),
        (
            {"path": "elders", "filter": "name = field(town.name)"},
            "relations[0].filter",
            '"town" is a relation: expected a field of Person itself',
        ),
    ],
)
async def test_wrong_arguments_are_refused(stored: Stored, asked: Any, field: str, text: str) -> None:
    given = {"read_mask": "elders,region", "relations": [asked]}
    with pytest.raises(RpcFailed) as failed:
        await stored.gateway.call("kin.v1.TownService/ListTowns", given)
    assert failed.value.fields == [field]
    assert text in failed.value.message


async def test_lists_within_lists_are_bounded(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("kin")
    given = {"read_mask": "children.*.children.*.children.*.children"}
    with pytest.raises(RpcFailed, match="may hold 14,641 rows of one row, at most 10,000") as failed:
        await gateway.call("kin.v1.PersonService/ListPeople", given)
    assert (failed.value.reason, failed.value.fields) == ("TOO_MANY_RELATED_ROWS", ["read_mask"])
    limited = {**given, "relations": [{"path": "children.*.children", "limit": 5}]}
    assert not (await gateway.call("kin.v1.PersonService/ListPeople", limited)).people


async def test_rows_of_views_are_held_once(module_gateway_for: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody proves that a view's key is one: one row is looked for, and rows that hold it aren't doubled."""
    monkeypatch.setattr(RelatedRows, "is_joined", property(lambda _: False))
    gateway = await module_gateway_for("kin")
    await fill(gateway, people=20)
    kin = await Kin.read(gateway)
    below: Tree = {"name": {}, "town": {"*": {}, "region": {"name": {}}}, "badge": {"person": {"age": {}}}}
    tree: Tree = {"*": {}, "parent": below, "employer": {"*": {}}, "town": {"region": {"*": {}}}}
    mask = FieldMask(paths=paths_of(tree, "Person")).ToJsonString()
    answer = await gateway.call("kin.v1.PersonService/ListPeople", page_size=1000, read_mask=mask)
    live = [key for key, row in kin.rows["Person"].items() if not _is_deleted(row)]
    assert [*answer.people] == [kin.expected("Person", key, tree) for key in live]
    await gateway.sql("CREATE TABLE twice AS SELECT * FROM employer")
    await gateway.sql("ALTER TABLE employer DROP CONSTRAINT employer_name_key")
    await gateway.sql("INSERT INTO employer SELECT id + 10, name, size FROM twice")
    again = await gateway.call(
        "kin.v1.PersonService/ListPeople", page_size=1000, read_mask="name,employer.name"
    )
    assert [one.employer.name for one in again.people] == [one.employer.name for one in answer.people]


async def test_postgresql_15_holds_the_same(debian_15: str, transport: str) -> None:
    gateway = await start_gateway("kin", Databases(debian_15), transport=transport)
    try:
        await fill(gateway, people=20)
        kin = await Kin.read(gateway)
        tree: Tree = {
            "name": {},
            "elders": {"*": {}, "children": {"house": dict(_PARTS), "peers": {"moods": {}}}},
        }
        mask = FieldMask(paths=paths_of(tree, "Town")).ToJsonString()
        answer = await gateway.call("kin.v1.TownService/ListTowns", page_size=1000, read_mask=mask)
        assert [*answer.towns] == [kin.expected("Town", key, tree) for key in kin.rows["Town"]]
    finally:
        await gateway.stop()


async def test_rows_hold_lists_that_their_connection_never_read_before(gateway_for: GatewayFor) -> None:
    """The driver knows the types of a statement's columns, and none of those in the records of a list."""
    gateway = await gateway_for("heavens", pool_size=1)
    await gateway.sql("INSERT INTO \"Deep Sky\".galaxy (code, catalog) VALUES (1, 'CATALOG_NEW')")
    await gateway.sql(
        'INSERT INTO "Deep Sky".star (name, magnitude, galaxy_code, catalog, planets, spot, course)'
        " VALUES ('a', 1, 1, 'CATALOG_NEW', '{0.5,NaN}', '[0,0]', '[0,0,1]')"
    )
    answer = await gateway.call("heavens.v1.GalaxyService/ListGalaxies", read_mask="stars.*.planets")
    assert repr([[*star.planets] for star in answer.galaxies[0].stars]) == "[[0.5, nan]]"
