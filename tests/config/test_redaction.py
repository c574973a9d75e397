"""No secret is shown, however it is written."""

import string
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.errors import ConfigError
from gateway.config.load import load_settings, settings_of
from gateway.config.setting_names import SETTINGS
from gateway.config.show import redact_dsn, show

SECRET = "s3cr3t-hunter2-s3cr3t"  # noqa: S105 - the one that mustn't be shown
passwords = st.text(st.sampled_from(string.ascii_letters + string.digits + "@:/?#%&'\\ =+"), min_size=1).map(
    lambda noise: f"{SECRET[:7]}{noise}{SECRET[-7:]}"
)
users = st.text(st.sampled_from(string.ascii_lowercase), min_size=1)


def keyword(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


@given(users, passwords)
def test_a_dsns_password_is_hidden_and_the_rest_is_not(user: str, password: str) -> None:
    escaped = quote(password, safe="")
    assert (
        redact_dsn(f"postgresql://{user}:{escaped}@h1:1,h2/db?x=y")
        == f"postgresql://{user}:***@h1:1,h2/db?x=y"
    )
    assert redact_dsn(f"postgres://h/db?user={user}&password={escaped}&x=y") == (
        f"postgres://h/db?user={user}&password=***&x=y"
    )
    assert (
        redact_dsn(f"host=h password = {keyword(password)} user={user}")
        == f"host=h password = *** user={user}"
    )


@given(users, passwords)
def test_a_badly_escaped_password_is_hidden_too(user: str, password: str) -> None:
    shown = redact_dsn(f"postgresql://{user}:{password}@host/db")
    assert SECRET[:7] not in shown
    assert SECRET[-7:] not in shown


@pytest.mark.parametrize(
    "dsn",
    ["postgresql+asyncpg://u@h:5433/d", "postgresql:///d?host=/tmp", "host=h dbname=d", "service=x", ""],
)
def test_a_dsn_without_password_is_shown_as_it_is(dsn: str) -> None:
    assert redact_dsn(dsn) == dsn


def test_shown_settings_can_be_read_again_and_hold_no_secret(tmp_path: Path) -> None:
    environ = {
        "ROWGATE_DSN": f"postgresql://u:{SECRET}@h/d?sslpassword={SECRET}",
        "ROWGATE_SECRET": SECRET,
        "ROWGATE_LISTEN": "127.0.0.1:1,[::1]:2,unix:/x",
        "ROWGATE_PROTOS": 'a "folder"',
    }
    loaded = load_settings(environ=environ, config=_empty(tmp_path))
    text = "\n".join(show(loaded, {"PGHOST": "x", "PGPASSWORD": SECRET, "PAGER": "x"}))
    assert SECRET not in text
    assert "# libpq's variables apply where dsn is silent: PGHOST, PGPASSWORD" in text
    assert "  # variable ROWGATE_DSN" in text
    again = tmp_path / "again.toml"
    again.write_text(text.replace('"***"', f'"{SECRET}"'))
    read = load_settings(environ={}, config=again)
    for setting in SETTINGS:
        if not setting.is_secret and not setting.is_path:
            assert read.value(setting) == loaded.value(setting)
    assert read.settings.schema.protos == tmp_path / 'a "folder"'


def test_no_secret_is_in_a_repr_or_refused(tmp_path: Path) -> None:
    settings = settings_of(dsn=f"postgresql://u:{SECRET}@h/d", secret=SECRET)
    assert SECRET not in repr(settings)
    path = tmp_path / "rowgate.toml"
    path.write_text(f'[database]\ndsn = ["{SECRET}"]\n[tokens]\nsecret = {{x = "{SECRET}"}}')
    with pytest.raises(ConfigError) as caught:
        load_settings(environ={}, config=path)
    assert len(caught.value.diagnostics) == 2
    assert SECRET not in str(caught.value)


def _empty(folder: Path) -> Path:
    path = folder / "empty.toml"
    path.write_text("")
    return path
