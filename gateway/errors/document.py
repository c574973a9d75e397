"""docs/errors.md, written from the table of SQLSTATEs and from the places that raise an error with a reason.

Run as `python -m gateway.errors.document`; a test fails while the file on disk differs.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from google.rpc.code_pb2 import Code

import gateway.errors as tree
from gateway.errors.sqlstate import CLASSES, STATES, UNKNOWN, Rule

PACKAGE = Path(__file__).parent.parent
DOCUMENT = PACKAGE.parent / "docs" / "errors.md"

_HEAD = """# Errors

<!-- Written by `python -m gateway.errors.document`: change the table or the raise, not this page. -->

Every error is a google.rpc.Status ([AIP-193](https://google.aip.dev/193)). Its details hold:

| detail | when | what |
|---|---|---|
| ErrorInfo | always | `reason` (stable, below), `domain` `rowgate`, `metadata` (constraint, limit, …) |
| RetryInfo | a retry can help | after how long |
| BadRequest | a field is wrong | the field's path in the request, what is wrong, a reason of its own |
| PreconditionFailure | FAILED_PRECONDITION | what is in the way |
| ResourceInfo | a row is missing or in the way | its message's name and its key |

Message and details together stay under 4 KB: `violations_omitted` and `resources_omitted` in the metadata
count what was left out. Neither SQL, stored values, hosts nor the driver's text are in them; the log has the
cause.
"""


class Raised(NamedTuple):
    """A reason in the source: the error's class and, where it is written there, its sentence."""

    reason: str
    error: str
    message: str


def document() -> str:
    """Return the page."""
    return "\n".join([_HEAD, *_own_reasons(), *_database_reasons(), *_states()]) + "\n"


def _own_reasons() -> Iterator[str]:
    yield "## Reasons of the gateway's own\n"
    yield "| reason | code | where it says more, the message |\n|---|---|---|"
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for raised in raised_in(PACKAGE):
        found[raised.reason, raised.error].add(raised.message)
    for (reason, error), messages in sorted(found.items()):
        yield f"| {reason} | {_code(error)} | {'; '.join(sorted(messages - {''}))} |"


def _database_reasons() -> Iterator[str]:
    yield "\n## Reasons that come from the database\n"
    yield "| reason | code | retry after | message |\n|---|---|---|---|"
    rules = {*STATES.values(), *CLASSES.values(), UNKNOWN}
    for rule in sorted(rules, key=lambda rule: (rule.reason, rule.error.__name__, rule.message)):
        delay = f"{rule.retry_delay:g} s" if rule.retry_delay is not None else ""
        yield f"| {rule.reason} | {_code(rule.error.__name__)} | {delay} | {rule.message} |"


def _states() -> Iterator[str]:
    yield "\n## SQLSTATEs\n"
    yield "A state has its own line, or its class's.\n"
    yield "| SQLSTATE | code | reason |\n|---|---|---|"
    lines: Mapping[str, Rule] = STATES | {f"{key}xxx": rule for key, rule in CLASSES.items()}
    for state, rule in sorted(lines.items(), key=lambda line: line[0].replace("x", "~")):
        yield f"| {state} | {_code(rule.error.__name__)} | {rule.reason} |"


def raised_in(package: Path) -> Iterator[Raised]:
    """Yield each reason that stands as a literal in a call of an error's class in the package's source."""
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and (name := _error_name(node.func)):
                for keyword in node.keywords:
                    if keyword.arg == "reason" and isinstance(keyword.value, ast.Constant):
                        yield Raised(str(keyword.value.value), name, _sentence(node))


def _error_name(called: ast.expr) -> str | None:
    """Return the error class that a call makes: `NotFound(…)` or `InvalidArgument.field(…)`."""
    if isinstance(called, ast.Attribute):
        called = called.value
    return called.id if isinstance(called, ast.Name) and called.id in tree.__all__ else None


def _sentence(call: ast.Call) -> str:
    """Return the message's text, with `{…}` for what is put in at run time; empty where it isn't literal."""
    is_field = isinstance(call.func, ast.Attribute)
    text = call.args[1 if is_field else 0] if len(call.args) > is_field else None
    if isinstance(text, ast.Constant):
        return str(text.value).replace("|", "\\|")
    if isinstance(text, ast.JoinedStr):
        parts = (str(part.value) if isinstance(part, ast.Constant) else "{…}" for part in text.values)
        return "".join(parts).replace("|", "\\|")
    return ""


def _code(error: str) -> str:
    return str(Code.Name(getattr(tree, error).code))


if __name__ == "__main__":
    DOCUMENT.parent.mkdir(exist_ok=True)
    DOCUMENT.write_text(document())
