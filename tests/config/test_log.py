"""The log's two forms, and what never gets into them."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from google.rpc import code_pb2
from hypothesis import given
from hypothesis.strategies import builds, sampled_from, text

from gateway.observe.access_log import AccessLog
from gateway.observe.call_record import CallRecord
from gateway.observe.log import AUDIT_LOGGER, configure_logging

WORD = "hunter2"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Restore the root logger, which the tests of this file configure."""
    root = logging.getLogger()
    audit = logging.getLogger(AUDIT_LOGGER)
    handlers, levels = root.handlers[:], (root.level, audit.level)
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    audit.setLevel(levels[1])


def test_a_record_is_one_json_object_with_its_facts(stream: io.StringIO) -> None:
    configure_logging("info", "json", stream)
    logging.getLogger("a.b").warning("what %s", "happened", extra={"calls": 3, "where": "ü\n"})
    logging.getLogger("a.b").debug("unseen")
    (line,) = stream.getvalue().splitlines()
    shown = json.loads(line)
    assert shown.pop("timestamp").endswith("Z")
    assert shown == {
        "event": "what happened",
        "level": "warning",
        "logger": "a.b",
        "calls": 3,
        "where": "ü\n",
    }


def test_changes_are_told_whatever_the_level(stream: io.StringIO) -> None:
    """Who asks for errors alone wants fewer lines, not fewer changes."""
    configure_logging("error", "json", stream)
    for name in (AUDIT_LOGGER, "gateway.other"):
        logging.getLogger(name).info("changed")
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["logger"] == AUDIT_LOGGER


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_is_shown_without_the_values_of_variables(stream: io.StringIO, form: str) -> None:
    configure_logging("info", form, stream)  # type: ignore[arg-type]  # a parameter
    held = WORD.upper()
    try:
        int(held)
    except ValueError as error:
        error.args = ("it failed",)
        logging.getLogger("x").exception("unexpected")
    assert "int(held)" in stream.getvalue()
    assert held not in stream.getvalue()


def test_an_error_of_several_lines_is_shown_as_such_to_eyes(stream: io.StringIO) -> None:
    configure_logging("info", "console", stream)
    error = "errors: 2\n\na.proto:1: wrong\n  use ü\x1b[2J"
    logging.getLogger("x").error("refused", extra={"error": error, "calls": 3})
    logging.getLogger("x").error("refused", extra={"error": "one line"})
    first, *lines, last = stream.getvalue().splitlines()
    assert "calls=3" in first
    assert lines == ["  errors: 2", "  a.proto:1: wrong", "    use ü\\x1b[2J"]
    assert "error='one line'" in last


def test_auto_is_json_where_nobody_looks(stream: io.StringIO) -> None:
    configure_logging("info", "auto", stream)
    logging.getLogger("x").info("seen")
    assert json.loads(stream.getvalue())["event"] == "seen"


def facts(code: int, reason: str = "") -> CallRecord:
    return CallRecord("a.v1.S/M", "id-1", "peer", code, reason, 0.0123456, 7 if not code else None, 10, 20)


CODES = sampled_from(sorted(code_pb2.Code.values()))
TRACE = sampled_from(["", "0af7651916cd43dd8448eb211c80319c"])


@given(builds(CallRecord, text(), text(), text(), CODES, text(), principal=text(), trace_id=TRACE))
def test_a_call_s_line_is_what_a_record_of_it_would_be(facts: CallRecord) -> None:
    stream = io.StringIO()
    handlers = logging.getLogger().handlers[:]
    configure_logging("info", "json", stream)
    log, record = AccessLog("all"), AccessLog("all")
    record._lines = None
    log(facts)
    record(facts)
    logging.getLogger().handlers[:] = handlers
    one, other = (json.loads(line) for line in stream.getvalue().splitlines())
    quick, slow = (datetime.fromisoformat(line.pop("timestamp")) for line in (one, other))
    assert abs(slow - quick) < timedelta(seconds=5)
    assert one == other


async def test_the_lines_of_one_turn_are_written_together(stream: io.StringIO) -> None:
    configure_logging("info", "json", stream)
    log = AccessLog("all")
    for _ in range(3):
        log(facts(0))
    assert not stream.getvalue()
    await asyncio.sleep(0)
    assert stream.getvalue().count("\n") == 3


def test_a_call_is_one_line_of_facts(stream: io.StringIO) -> None:
    configure_logging("info", "json", stream)
    AccessLog("all")(facts(0))
    shown = json.loads(stream.getvalue())
    del shown["timestamp"]
    assert shown == {
        "event": "call",
        "level": "info",
        "logger": "gateway.access",
        "method": "a.v1.S/M",
        "code": "OK",
        "duration_ms": 12.346,
        "request_id": "id-1",
        "peer": "peer",
        "request_bytes": 10,
        "response_bytes": 20,
        "rows": 7,
    }


@pytest.mark.parametrize(("access", "lines"), [("all", 3), ("errors", 2), ("none", 0)])
def test_which_calls_get_a_line(stream: io.StringIO, access: str, lines: int) -> None:
    configure_logging("info", "json", stream)
    log = AccessLog(access)  # type: ignore[arg-type]  # a parameter
    for one in (facts(0), facts(5, "ROW_NOT_FOUND"), facts(13, "INTERNAL")):
        log(one)
    shown = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert len(shown) == lines
    if access == "errors":
        assert [(one["code"], one["reason"], one["level"]) for one in shown] == [
            ("NOT_FOUND", "ROW_NOT_FOUND", "info"),
            ("INTERNAL", "INTERNAL", "error"),
        ]
