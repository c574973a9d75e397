"""A pulled table tells of values that its message can't hold, and its page of rows is none the less."""

from pathlib import Path

from gateway.schema.protos.sources import compile_protos
from tests.harness.databases import Databases
from tests.harness.gateway import client_of
from tests.pull.pulling import lint, pulled, run

_TABLES = """
    CREATE TYPE mood AS ENUM ('glad', 'sad');
    CREATE TABLE visits (id int PRIMARY KEY, until timestamptz, born date, price numeric, moods mood[],
        mood mood, unreadable text, at time);
    INSERT INTO visits VALUES (1, 'infinity', '-infinity', 'NaN', '{glad}', 'sad', 'x', '24:00'),
        (2, now(), '2020-01-01', 1.5, '{{glad}}', NULL, NULL, NULL);
    CREATE TABLE plain (id int PRIMARY KEY, name text, at time);
    CREATE VIEW seen AS SELECT until FROM visits;
"""
_SERVICES = "a.public.v1"


async def test_what_a_message_cannot_hold_is_named_in_it(databases: Databases, tmp_path: Path) -> None:
    """Also the label that an enum type got after the pull."""
    dsn, folder = await databases.empty(), tmp_path / "protos"
    await run(dsn, _TABLES)
    await pulled(dsn, folder, package="a")
    descriptors = compile_protos(folder)
    assert lint(descriptors, folder) == ""
    await run(dsn, "ALTER TYPE mood ADD VALUE 'both'", "INSERT INTO visits (id, mood) VALUES (3, 'both')")
    async with client_of(descriptors, dsn) as client:
        rows = (await client.call(f"{_SERVICES}.VisitService/ListVisits")).visits
        seens = (await client.call(f"{_SERVICES}.SeenService/ListSeens")).seens
    named = [[one.field for one in row.unreadable_2] for row in rows]
    assert named == [["until", "born", "price"], ["moods"], ["mood"]]
    assert sorted(one.field for row in seens for one in row.unreadable) == ["until"]
    assert rows[0].unreadable == "x"
    text = (folder / "a/public/v1/resources.proto").read_text()
    assert "unreadable" not in text.partition("message Plain ")[2].partition("\n}")[0]


async def test_the_field_is_offered_once(databases: Databases, tmp_path: Path) -> None:
    """To protos of a pull that didn't know it, too; what was taken out stays out."""
    dsn, folder = await databases.empty(), tmp_path / "protos"
    await run(dsn, _TABLES)
    await pulled(dsn, folder, package="a")
    assert (await pulled(dsn, folder))[1] == []
    resources, kept = folder / "a/public/v1/resources.proto", folder / "rowgate-pull.toml"
    whole = resources.read_text()
    marks = ("UnreadableValue", "unreadable: ", "unreadable.proto", "What the row was read without")
    lines = whole.splitlines(keepends=True)
    resources.write_text("".join(line for line in lines if not any(mark in line for mark in marks)))
    taken_out = resources.read_text()
    assert (await pulled(dsn, folder))[1] == []
    kept.write_text(kept.read_text().replace(", unreadable = true", ""))
    _, changed = await pulled(dsn, folder)
    assert {one.path for one in changed} == {"a/public/v1/resources.proto", kept.name}
    assert taken_out != resources.read_text()
    assert sorted(resources.read_text().splitlines()) == sorted(whole.splitlines())


async def test_a_key_that_is_infinity_by_default_is_none(databases: Databases, tmp_path: Path) -> None:
    """Else no page with such a row could be told; a floating point number can be."""
    dsn, folder = await databases.empty(), tmp_path / "protos"
    await run(
        dsn,
        "CREATE TABLE rates (chart int, until timestamp DEFAULT 'infinity', PRIMARY KEY (chart, until))",
        """CREATE TABLE terms (
            chart int, until date DEFAULT '-infinity', code text NOT NULL UNIQUE, PRIMARY KEY (chart, until)
        )""",
        "CREATE TABLE limits (most float8 DEFAULT 'infinity' PRIMARY KEY)",
        "INSERT INTO rates (chart) VALUES (1), (2)",
        "INSERT INTO terms (chart, code) VALUES (1, 'x')",
        "INSERT INTO limits DEFAULT VALUES",
    )
    found, _ = await pulled(dsn, folder, package="a")
    assert [one.name for one in found.report.notes if "without a key" in one.why] == ["public.rates"]
    [why] = [one.why for one in found.report.notes if "infinity" in one.why]
    assert why.endswith('"until" of its key is infinity by default, which its message can\'t hold')
    async with client_of(compile_protos(folder), dsn) as client:
        rates = (await client.call(f"{_SERVICES}.RateService/ListRates", page_size=1)).rates
        term = await client.call(f"{_SERVICES}.TermService/GetTerm", code="x")
        limits = (await client.call(f"{_SERVICES}.LimitService/ListLimits")).limits
    assert [one.field for row in (*rates, term) for one in row.unreadable] == ["until", "until"]
    assert [row.most for row in limits] == [float("inf")]
