"""Catalogs that nobody would make on purpose: all of them is served, or named with the reason."""

from pathlib import Path

import pytest

from gateway.schema.protos.sources import compile_protos
from gateway.schema.read import read_schema
from tests.harness.databases import Databases
from tests.harness.gateway import client_of
from tests.pull.pulling import lint, pulled, run

_MADE = """
CREATE TYPE empty AS ENUM ();
CREATE TYPE blank AS ENUM ('', 'so so', 'Ä');
CREATE DOMAIN some_blank AS blank;
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN some_pair AS pair;
CREATE TABLE "A_B" (id int PRIMARY KEY);
CREATE TABLE "ab " (id int PRIMARY KEY);
CREATE TYPE tone AS ENUM ('low');
CREATE TABLE heard (id int PRIMARY KEY, t tone);
CREATE TABLE texts (id int PRIMARY KEY, e empty, b some_blank, bs some_blank[], ps pair[]);
INSERT INTO texts VALUES (1, NULL, 'Ä', '{"","so so"}', '{"(1,a)"}'), (2, NULL, '', '{}', '{}');
INSERT INTO texts VALUES (3);
CREATE TABLE by_pair (k some_pair PRIMARY KEY, v int);
INSERT INTO by_pair VALUES ('(1,a)', 1), ('(,)', 2);
CREATE DOMAIN some_tone AS tone;
CREATE TABLE by_tone (k some_tone PRIMARY KEY, v int);
INSERT INTO by_tone VALUES ('low', 1);
CREATE TABLE by_array (k int[] PRIMARY KEY, v int);
CREATE TABLE computed (id int NOT NULL, twice int GENERATED ALWAYS AS (id * 2) STORED PRIMARY KEY);
CREATE TABLE later (id int NOT NULL UNIQUE DEFERRABLE);
CREATE TABLE reserved (id int PRIMARY KEY, "rowgate x" int);
CREATE VIEW placed AS SELECT id, tableoid FROM later;
"""
_LEFT = {"public.reserved.rowgate x": "gateway's own", "public.placed.tableoid": "system column"}
_NOTES = {
    "public.texts.e": "told as text: its type has no labels",
    "public.texts.b": "told as text: a label of its type is empty",
    "public.by_array": '"k" of its key is an array',
    "public.by_tone": "takes no changes of its rows",
    "public.computed": "without BulkUpsert and Ingest",
    "public.later": "its unique key is deferrable",
}

_ASKED = {
    'b = "Ä"': [1],
    'b < "so so"': [2],
    'b != "Ä"': [2],
    'bs:"so so"': [1],
    'ps:"(1,a)"': [1],
}
_ORDERS = {"b": [2, 1, 3], "b desc": [3, 1, 2]}

_ADDRESSES = (
    *("::", "::1", "::5", "::ffff", "::1:5", "::2:0", "::1.2.3.4/100", "::ffff:0:0", "::ffff:1.2.3.4"),
    *("::ffff:1.2.3.4/100", "::ffff:0:1.2.3.4", "::ffff:1:5:6", "1::", "10.1.2.3/8", "0.0.0.1"),
)


async def test_each_is_served_or_named_with_the_reason(databases: Databases, tmp_path: Path) -> None:
    dsn, folder = await databases.empty(), tmp_path / "protos"
    await run(dsn, _MADE)
    found, _ = await pulled(dsn, folder, package="odd")
    assert found.report.tables == []
    left = {one.name: one.why for one in found.report.columns}
    assert left.keys() == _LEFT.keys()
    assert [name for name, why in left.items() if _LEFT[name] not in why] == []
    notes = [(one.name, one.why) for one in found.report.notes]
    assert [name for name, why in _NOTES.items() if not any(a == name and why in b for a, b in notes)] == []
    descriptors = compile_protos(folder)
    assert lint(descriptors, folder) == ""
    services = read_schema(descriptors).services
    assert {method.resource.table for one in services.values() for method in one.standard_methods} == {
        *(
            "A_B",
            "ab ",
            "texts",
            "by_pair",
            "by_array",
            "by_tone",
            "computed",
            "heard",
            "later",
            "reserved",
            "placed",
        )
    }
    computed = {method.kind.value for method in services["odd.public.v1.ComputedService"].standard_methods}
    assert not computed & {"BULK_UPSERT", "INGEST"}
    by_tone = {method.kind.value for method in services["odd.public.v1.ByToneService"].standard_methods}
    assert by_tone == {"GET", "LIST", "BATCH_GET", "COUNT", "STREAM", "CREATE", "BATCH_CREATE"}
    await run(dsn, "ALTER TYPE tone ADD VALUE ''")
    found, changed = await pulled(dsn, folder)
    told = [one.why for one in found.report.notes if one.name == "public.heard.t"]
    assert (changed, told) == (
        [],
        ["keeps an enum that follows its type no more: a label of its type is empty"],
    )


async def test_types_of_others_are_compared_and_ordered(databases: Databases, tmp_path: Path) -> None:
    """A domain over an enum type has no operators of its own, and `unnest` takes composite types apart."""
    dsn, folder = await databases.empty(), tmp_path / "protos"
    await run(dsn, _MADE)
    await pulled(dsn, folder, package="odd")
    async with client_of(compile_protos(folder), dsn) as client:
        for asked, ids in _ASKED.items():
            found = await client.call("odd.public.v1.TextService/ListTexts", filter=asked)
            assert [one.id for one in found.texts] == ids, asked
        for order, ids in _ORDERS.items():
            token, told = "", []
            while not told or token:
                page = await client.call(
                    "odd.public.v1.TextService/ListTexts", order_by=order, page_size=1, page_token=token
                )
                token = page.next_page_token
                told += [one.id for one in page.texts]
            assert told == ids, order
        found = await client.call("odd.public.v1.ByToneService/BatchGetByTones", ks=["TONE_LOW"])
        assert [one.v for one in found.by_tones] == [1]
        found = await client.call("odd.public.v1.ByPairService/BatchGetByPairs", ks=["(,)", "(1,a)"])
        assert [one.v for one in found.by_pairs] == [2, 1]


@pytest.mark.parametrize("package", ["map", "shop"])
async def test_types_of_other_schemas_are_found_whatever_packages_are_called(
    package: str, databases: Databases, tmp_path: Path
) -> None:
    """A database is often called as one of its schemas; a package may be called as a word of the language."""
    dsn, folder = await databases.empty(), tmp_path / "protos"
    await run(
        dsn,
        "CREATE SCHEMA types",
        "CREATE TYPE types.mood AS ENUM ('glad')",
        f"CREATE SCHEMA {package}",
        f"CREATE TABLE {package}.felt (mood types.mood PRIMARY KEY, next types.mood, all_of types.mood[])",
    )
    await pulled(dsn, folder, package=package)
    descriptors = compile_protos(folder)
    assert lint(descriptors, folder) == ""
    [resource] = read_schema(descriptors).resources.values()
    assert [one.descriptor.enum_type.name for one in resource.fields] == ["Mood"] * 3
    await run(dsn, f"ALTER TABLE {package}.felt ADD last types.mood")
    _, changed = await pulled(dsn, folder)
    assert {one.path for one in changed} == {f"{package}/{package}/v1/resources.proto", "rowgate-pull.toml"}
    assert (await pulled(dsn, folder))[1] == []


async def test_addresses_are_spelled_as_postgresql_does(databases: Databases, tmp_path: Path) -> None:
    dsn, folder = await databases.empty(), tmp_path / "protos"
    await run(
        dsn,
        f"CREATE TABLE hosts AS SELECT unnest('{{{','.join(_ADDRESSES)}}}'::inet[]) AS at",
        "CREATE VIEW told AS SELECT at, format('%s', at) AS text FROM hosts",
    )
    await pulled(dsn, folder, package="odd")
    async with client_of(compile_protos(folder), dsn) as client:
        rows = (await client.call("odd.public.v1.ToldService/ListTolds")).tolds
    assert len(rows) == len(_ADDRESSES)
    assert [one.at for one in rows] == [one.text for one in rows]
