"""Settings, reasons and other names in the documents are those of the code."""

import re
from collections.abc import Iterator

import pytest

from gateway.config.setting_names import SETTINGS
from tests.harness.sample import ROOT

PAGES = sorted(
    path
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    if path.name != "benchmarks.md"
)
VARIABLES_OF_OTHERS = {
    "ROWGATE_CONFIG",  # names the file of settings itself
    "ROWGATE_POOLSIZE",  # the example of a wrong name
    "ROWGATE_PORT",  # Kubernetes sets it beside a service called rowgate
    "ROWGATE_SERVICE_HOST",
    "ROWGATE_TEST_CITUS_DSN",  # names the cluster of tests that take one
    "ROWGATE_TEST_TRANSPORT",  # chooses what the tests run over
}
OTHERS = {
    "COLOR_RED",  # enum values of examples
    "KIND_CLICK",
    "KIND_UNSPECIFIED",
    "KIND_VIEW",
    "MOOD_SO_SO",
    "STRING_EMAIL",  # a rule of protovalidate
    "citus_set_coordinator_host",  # functions of Citus
    "client_min_messages",  # settings of PostgreSQL
    "create_all",  # SQLAlchemy's
    "ignore_startup_parameters",  # PgBouncer's
    "lc_monetary",
    "max_decoding_message_size",  # tonic's
    "pg_stat_user_tables",  # views of PostgreSQL
    "pg_stats",
    "synchronous_mode",  # settings of Patroni
    "synchronous_mode_strict",
}


def _named(pattern: str) -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for name in sorted(set(re.findall(pattern, page.read_text()))):
            yield page.name, name


def _words() -> set[str]:
    """Return the words of the sources, beside which setting names stand as files and flags have them."""
    files = [
        *(ROOT / "gateway").rglob("*.py"),
        *(ROOT / "protos").rglob("*.proto"),
        *(ROOT / "examples" / "handlers").glob("*.py"),
        *(path for path in (ROOT / "deploy").rglob("*") if path.is_file()),
        ROOT / "Makefile",
        ROOT / "pyproject.toml",
    ]
    words = {word for file in files for word in re.findall(r"\w+", file.read_text())}
    return words | {name for one in SETTINGS for name in (one.name, one.flat)}


def test_variables_are_settings() -> None:
    settings = {one.variable for one in SETTINGS} | VARIABLES_OF_OTHERS
    assert [found for found in _named(r"\bROWGATE_[A-Z_]*[A-Z]\b") if found[1] not in settings] == []


def test_keys_are_settings() -> None:
    sections = {one.section for one in SETTINGS} - {"schema"}  # of tables, mostly
    keys = {one.key for one in SETTINGS}
    named = _named(rf"`((?:{'|'.join(sorted(sections))})\.\w+)`")
    assert [found for found in named if found[1] not in keys and not found[1].endswith(".py")] == []


@pytest.mark.parametrize("pattern", [r"\b[A-Z]+(?:_[A-Z]+)+\b", r"`([a-z]+(?:_[a-z]+)+)`"])
def test_names_are_those_of_the_code(pattern: str) -> None:
    words = _words() | OTHERS | VARIABLES_OF_OTHERS | {one.variable for one in SETTINGS}
    assert [found for found in _named(pattern) if found[1] not in words] == []
