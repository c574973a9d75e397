"""Other people's products, whose packages of Debian or PyPI bring what makes their databases."""

import gzip
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.db.servers import DEBIAN_15

_FETCH_SECONDS = 180
_SETTINGS = """
SECRET_KEY = "-"
INSTALLED_APPS = {apps!r}
DATABASES = {{"default": {{"ENGINE": "django.db.backends.postgresql", **{database!r}}}}}
WAGTAILADMIN_BASE_URL = "http://localhost"
STATIC_URL = "/static/"
"""


@dataclass(frozen=True, slots=True)
class Scripts:
    """SQL that a package brings.

    Args:
        package: its name.
        folder: where the SQL is in the package.
        names: the scripts, in their order.
        schemas: those that they expect; names are looked for in the first, or else in the public one.
        pypi: whether the package is one of PyPI's, and not of Debian's.

    """

    package: str
    folder: str
    names: Sequence[str]
    schemas: Sequence[str] = ()
    pypi: bool = False

    def make(self, dsn: str, scratch: Path) -> None:
        """Fetch the package into a folder, and make the database. Raises CalledProcessError."""
        if self.pypi:
            _pip("install", "--no-deps", "--target", "files", self.package, at=scratch)
        else:
            # As whoever this is, who may write to the folder.
            run("apt-get", "-o", "APT::Sandbox::User=root", "download", self.package, at=scratch)
            [archive] = scratch.glob("*.deb")
            run("dpkg-deb", "--extract", archive.name, "files", at=scratch)
        [folder] = (scratch / "files").glob(self.folder)
        for name in self.schemas:
            _psql(dsn, f"CREATE SCHEMA {name}".encode(), folder)
        if self.schemas:
            path = f"{self.schemas[0]}, public"
            _psql(dsn, f"ALTER DATABASE {urlsplit(dsn).path[1:]} SET search_path = {path}".encode(), folder)
        for name in self.names:
            _psql(dsn, _text(folder / name), folder)


@dataclass(frozen=True, slots=True)
class DjangoApps:
    """Apps of Django, whose migrations make the tables.

    Args:
        packages: of PyPI.
        apps: as INSTALLED_APPS names them.

    """

    packages: Sequence[str]
    apps: Sequence[str]

    def make(self, dsn: str, scratch: Path) -> None:
        """Fetch the packages into a folder, and make the database. Raises CalledProcessError."""
        run(sys.executable, "-m", "venv", "--without-pip", "venv", at=scratch)
        _pip("--python", "venv", "install", "psycopg[binary]", *self.packages, at=scratch)
        at = urlsplit(dsn)
        [host] = parse_qs(at.query)["host"]
        database = {"HOST": host, "USER": at.username, "NAME": at.path[1:]}
        (scratch / "settings.py").write_text(_SETTINGS.format(apps=list(self.apps), database=database))
        migrate = ("migrate", "--skip-checks", "--settings=settings", "--pythonpath=.")
        run("venv/bin/python", "-m", "django", *migrate, at=scratch)


def run(*command: str, at: Path) -> None:
    """Run a command in a folder. Raises CalledProcessError."""
    subprocess.run(command, cwd=at, stdout=subprocess.DEVNULL, check=True, timeout=_FETCH_SECONDS)


def _pip(*args: str, at: Path) -> None:
    run(sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *args, at=at)


def _psql(dsn: str, script: bytes, at: Path) -> None:
    subprocess.run(
        [DEBIAN_15 / "psql", "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--dbname", dsn],
        input=b"SET client_min_messages = warning;\n" + script,
        stdout=subprocess.DEVNULL,
        cwd=at,
        check=True,
        timeout=_FETCH_SECONDS,
    )


def _text(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


_DJANGO = ("admin", "auth", "contenttypes", "flatpages", "messages", "redirects", "sessions", "sites")
_WAGTAIL = ("contrib.forms", "contrib.redirects", "contrib.search_promotions", "embeds", "sites", "users")
_WAGTAIL_2 = ("snippets", "documents", "images", "search", "admin")
_LEDGER = (
    "Settings",
    "Util",
    "App_Module",
    "Menu",
    "Entity",
    "Drafts",
    "Account",
    "Session",
    "Business_Unit",
)
_ARCHIVES = ("caa", "eaa", "documentation", "statistics", "wikidocs")
_SCHEMAS = ("cover_art_archive", "event_art_archive", "documentation", "statistics", "wikidocs")

PRODUCTS: Mapping[str, Scripts | DjangoApps] = {
    "zabbix": Scripts(
        "zabbix-server-pgsql",
        "usr/share/zabbix-server-pgsql",
        ("schema.sql.gz", "images.sql.gz", "data.sql.gz"),
    ),
    "kea": Scripts("kea-admin", "usr/share/kea/scripts/pgsql", ("dhcpdb_create.pgsql",)),
    "roundcube": Scripts("roundcube-core", "usr/share/roundcube/SQL", ("postgres.initial.sql",)),
    "icinga": Scripts("icinga2-ido-pgsql", "usr/share/icinga2-ido-pgsql/schema", ("pgsql.sql",)),
    "ejabberd": Scripts("ejabberd", "usr/share/ejabberd/sql", ("pg.new.sql",)),
    "powerdns": Scripts("pdns-backend-pgsql", "usr/share/pdns-backend-pgsql/schema", ("schema.pgsql.sql",)),
    "bacula": Scripts("bacula-director-pgsql", "usr/share/dbconfig-common/data/*/install", ("pgsql",)),
    "request-tracker": Scripts("request-tracker5", "usr/share/request-tracker5/etc", ("schema.Pg",)),
    "mediawiki": Scripts(
        "mediawiki", "usr/share/mediawiki/maintenance/postgres", ("tables-generated.sql", "tables.sql")
    ),
    "ledgersmb": Scripts(
        "ledgersmb",
        "usr/share/ledgersmb/sql",
        ("Pg-database.sql", *(f"modules/{name}.sql" for name in _LEDGER)),
    ),
    "musicbrainz": Scripts(
        "mbdata",
        "mbdata/sql",
        (
            *("Extensions.sql", "CreateCollations.sql", "CreateSearchConfiguration.sql", "CreateTypes.sql"),
            *("CreateTables.sql", *(f"{name}/CreateTables.sql" for name in _ARCHIVES)),
            *("CreatePrimaryKeys.sql", *(f"{name}/CreatePrimaryKeys.sql" for name in _ARCHIVES)),
            *("InsertDefaultRows.sql", "CreateFunctions.sql", "CreateIndexes.sql"),
            *("CreateFKConstraints.sql", "CreateConstraints.sql"),
            *("CreateViews.sql", "caa/CreateViews.sql", "eaa/CreateViews.sql"),
        ),
        schemas=("musicbrainz", *_SCHEMAS),
        pypi=True,
    ),
    "wagtail": DjangoApps(
        ("wagtail",),
        (
            *(f"wagtail.{name}" for name in (*_WAGTAIL, *_WAGTAIL_2)),
            *("wagtail", "modelcluster", "taggit"),
            *(f"django.contrib.{name}" for name in (*_DJANGO, "staticfiles")),
        ),
    ),
}
"""Each product's database, by a name of ours."""
