"""DSNs: what they resolve to, with libpq's variables and services; TLS by default; nothing secret shown."""

from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.db.connections.dsn import DsnError, Host, names_a_server, resolve
from gateway.db.connections.plain_connections import connector
from gateway.db.connections.sqlalchemy_engine import create_engine
from gateway.db.database_settings import DatabaseSettings
from tests.db.servers import sql

NONE: dict[str, str] = {}
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("dsn", "hosts", "parameters"),
    [
        ("postgresql://h/d", [("h", 5432)], {"dbname": "d"}),
        ("postgres://u:p%40%2F@h:1/d", [("h", 1)], {"user": "u", "password": "p@/", "dbname": "d"}),
        ("postgresql+asyncpg://u@h/d", [("h", 5432)], {"user": "u", "dbname": "d"}),
        ("postgresql://[::1]:7/d", [("::1", 7)], {"dbname": "d"}),
        ("postgresql://a:1,b,[::2]:3/d", [("a", 1), ("b", 5432), ("::2", 3)], {"dbname": "d"}),
        ("postgresql://%2Frun%2Fpg/d", [("/run/pg", 5432)], {"dbname": "d"}),
        ("postgresql:///d?host=/run/pg&port=9", [("/run/pg", 9)], {"dbname": "d"}),
        ("host=a,b port=1,2 dbname=d", [("a", 1), ("b", 2)], {"dbname": "d"}),
        ("host=a,b port=7", [("a", 7), ("b", 7)], {}),
        (
            "host = h  password = 'it\\'s \\\\ here' user=u",
            [("h", 5432)],
            {"password": "it's \\ here", "user": "u"},
        ),
        ("", [], {}),
        ("dbname=d port=9", [], {"dbname": "d", "port": "9"}),
        (
            "postgresql://h/d?keepalives=1&sslmode=disable",
            [("h", 5432)],
            {"dbname": "d", "sslmode": "disable"},
        ),
    ],
)
def test_what_a_dsn_names(dsn: str, hosts: list[tuple[str, int]], parameters: dict[str, str]) -> None:
    target = resolve(dsn, NONE)

    expected = parameters | ({"target_session_attrs": "read-write"} if len(hosts) > 1 else {})
    assert target.hosts == tuple(Host(*host) for host in hosts)
    assert target.parameters == expected


@given(user=text, password=text, database=text)
def test_any_name_and_password_survive_both_forms(user: str, password: str, database: str) -> None:
    url = (
        f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}@localhost/{quote(database, safe='')}"
    )
    escaped = [value.replace("\\", "\\\\").replace("'", "\\'") for value in (user, password, database)]
    pairs = "host=localhost user='{}' password='{}' dbname='{}'".format(*escaped)

    for dsn in (url, pairs):
        target = resolve(dsn, NONE)
        assert target.parameters == {"user": user, "password": password, "dbname": database}
        addresses, driver = asyncpg.connect_utils._parse_connect_dsn_and_args(  # type: ignore[attr-defined]
            **dict.fromkeys(_DRIVER_ARGUMENTS) | target.arguments()
        )
        assert addresses == [("localhost", 5432)]
        assert (driver.user, driver.password, driver.database) == (user, password, database)


# What asyncpg.connect hands on: its reading of our DSN is the one that counts.
_DRIVER_ARGUMENTS = (
    *("dsn", "host", "port", "user", "password", "passfile", "database", "ssl", "service", "servicefile"),
    *("direct_tls", "server_settings", "target_session_attrs", "krbsrvname", "gsslib"),
)


@given(password=text.map("quzz{}quzz".format))  # no part of the words that are shown
def test_a_password_is_never_shown(password: str) -> None:
    target = resolve(
        f"postgresql://u:{quote(password, safe='')}@h/d?sslpassword={quote(password, safe='')}", NONE
    )

    for shown in (repr(target), target.redacted(), repr(DatabaseSettings(dsn=password))):
        assert password not in shown
        assert quote(password, safe="") not in shown
    assert target.redacted() == "postgresql://u@h:5432/d?sslmode=verify-full"


@given(password=st.lists(st.sampled_from("/?#@:%&"), min_size=1).map("quzz".join).map("quzz{}quzz".format))
def test_no_part_of_a_password_is_shown_that_was_not_escaped(password: str) -> None:
    try:
        shown = resolve(f"postgresql://u:{password}@h/d", NONE).redacted()
    except DsnError as error:
        shown = str(error)

    assert "quzz" not in shown


@pytest.mark.parametrize(
    ("dsn", "mode"),
    [
        ("postgresql://db.example.com/d", "verify-full"),
        ("postgresql://db.example.com/d?sslmode=require", "require"),
        ("postgresql://localhost/d", None),
        ("postgresql://127.0.0.2/d", None),
        ("postgresql://[::1]/d", None),
        ("postgresql:///d?host=/run/pg", None),
        ("postgresql://localhost,db.example.com/d", "verify-full"),
        ("", None),
    ],
)
def test_tls_is_verified_unless_the_server_is_local(dsn: str, mode: str | None) -> None:
    assert resolve(dsn, NONE).sslmode == mode


def test_verified_tls_trusts_the_system_without_a_root_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    context = resolve("postgresql://db.example.com/d", NONE).arguments()["ssl"]

    assert context.check_hostname
    assert context.verify_mode.name == "CERT_REQUIRED"
    own = resolve("postgresql://db.example.com/d?sslrootcert=/ca.pem", NONE).arguments()
    assert "ssl" not in own
    assert "verify-full" in own["dsn"]


def test_variables_fill_what_the_dsn_leaves_out() -> None:
    environ = {"PGHOST": "e", "PGPORT": "2", "PGUSER": "eu", "PGPASSWORD": "ep", "PGDATABASE": "ed"}

    assert resolve("", environ).redacted() == "postgresql://eu@e:2/ed?sslmode=verify-full"
    target = resolve("postgresql://u@h/d", environ)
    assert target.hosts == (Host("h", 2),)
    assert target.parameters == {"user": "u", "password": "ep", "dbname": "d"}
    assert names_a_server("", environ)
    assert not names_a_server("", {"PGUSER": "eu"})


def test_a_service_stands_between_dsn_and_variables(tmp_path: Path) -> None:
    services = tmp_path / "services.conf"
    services.write_text("[main]\nhost=s1,s2\nuser=su\npassword=50%\n")
    environ = {"PGSERVICEFILE": str(services), "PGUSER": "eu", "PGDATABASE": "ed", "PGSERVICE": "main"}

    target = resolve("user=u", environ)

    assert [host.name for host in target.hosts] == ["s1", "s2"]
    assert target.parameters["user"] == "u"
    assert target.parameters["password"] == "50%"  # noqa: S105 - the percent sign is the point
    assert target.parameters["dbname"] == "ed"
    with pytest.raises(DsnError, match="other"):
        resolve("service=other", environ)


@pytest.mark.parametrize(
    ("dsn", "named"),
    [
        ("mysql://h/d", "scheme"),
        ("postgresql://h/d?ssl=true", "ssl"),
        ("postgresql://h:x/d", "a port isn.t a number"),
        ("postgresql://h:99999/d", "a port isn.t a number"),
        ("postgresql://a,b/d?port=1,2,3", "3 ports"),
        ("postgresql://h/d?sslmode=maybe", "sslmode maybe"),
        (
            "postgresql://a,b/d?target_session_attrs=master",
            "target_session_attrs master: one of any, read-wr",
        ),
        ("host='h", "character 1"),
        ("hello", "character 1"),
        ("postgresql://h/d?novalue", "name=value"),
    ],
)
def test_a_wrong_dsn_names_the_fault(dsn: str, named: str) -> None:
    with pytest.raises(DsnError, match=named):
        resolve(dsn, NONE)


async def test_migrations_reach_the_same_database(dsn: str) -> None:
    engine = create_engine(connector(DatabaseSettings(dsn=dsn, application_name="migrating")))
    async with engine.begin() as connection:
        await connection.exec_driver_sql("CREATE TABLE made (id int)")
        shown = await connection.exec_driver_sql("SHOW application_name")
        assert shown.scalar() == "migrating"
    await engine.dispose()

    assert await sql(dsn, "SELECT * FROM made") == []
