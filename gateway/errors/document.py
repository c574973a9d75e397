"""docs/errors.md, written from the table of SQLSTATEs and from the places that raise an error with a reason.

Run as `python -m gateway.errors.document`; a test fails while the file on disk differs.
"""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

from google.rpc.code_pb2 import Code

import gateway.errors as tree
from gateway.errors.sqlstate import CLASSES, STATES, UNKNOWN, Rule

PACKAGE = Path(__file__).parent.parent
_TABLE = Path(__file__).parent / "sqlstate.py"
DOCUMENT = PACKAGE.parent / "docs" / "errors.md"

# Raised by the types of gateway.schema, far above; its callers turn it into field violations.
_VALUE_ERROR = "InvalidValueError"

_HEAD = """# Errors

<!-- Written by `python -m gateway.errors.document`: change the table or the raise, not this page. -->

Every error is a google.rpc.Status ([AIP-193](https://google.aip.dev/193)). Its details hold:

| detail | when | what |
|---|---|---|
| ErrorInfo | always | `reason` (stable, below), `domain` `rowgate`, `metadata` (constraint, limit, …) |
| RetryInfo | a retry can help | after how long; gRPC's retry policies read it as `grpc-retry-pushback-ms` |
| BadRequest | a field is wrong | the field's path in the request, what is wrong, a reason of its own |
| PreconditionFailure | FAILED_PRECONDITION | what is in the way |
| ResourceInfo | a row is missing, changed, unreadable, or its key is taken | its message's name and its key |

The `status` of a row that a bulk upsert refuses (`failures`) has the same details. Message and details
together stay under 4 KB: `violations_omitted` and `resources_omitted` in the metadata count what was left
out. Neither SQL, stored values, hosts nor the driver's text are in them; the log has the cause.

What a library answers before the gateway sees the call has no details. Over grpcio it is grpc core that
refuses metadata past the limit, a message more than a MiB past it (RESOURCE_EXHAUSTED), a compression that it
doesn't know (UNIMPLEMENTED) and a malformed header, and that ends a call at the caller's deadline. A stream
that is reset, or whose connection ends, has no status: clients make UNAVAILABLE, INTERNAL or
RESOURCE_EXHAUSTED of that, tonic also UNKNOWN and CANCELLED, Connect-ES UNKNOWN. An answer
past the size that a client takes (often 4 MiB) is RESOURCE_EXHAUSTED there, in tonic OUT_OF_RANGE.

## What became of a write that failed

| the caller hears | the write |
|---|---|
| COMMIT_OUTCOME_UNKNOWN | is open: connection, wait for a standby or server ended before the answer |
| DEADLINE_EXCEEDED | is open, if it was sent in time: it may even be committed after this |
| CANCELLED, or a code without ErrorInfo | is open: caller and server parted before there was an answer |
| RESPONSE_TOO_LARGE, UNREPRESENTABLE_VALUE | may be committed: it is the answer that can't be sent |
| INTERNAL | may be committed: an internal error |
| ANSWER_NOT_KEPT | was committed, by an earlier request with this `request_id` |
| any other | was not committed |

An open write may be committed or not. What has a `request_id` can be repeated in any case, and happens once.
UNAVAILABLE, which clients' retry policies repeat by themselves, is told with ErrorInfo only where nothing is
open; a stream goes on by its token or watermark.
"""


Texts: TypeAlias = Mapping[str, ast.expr]
"""Texts by the names that a function has given them."""


class Raised(NamedTuple):
    """A reason in the source: the error's class and, where it is written there, its sentence."""

    reason: str
    error: str
    message: str


def document() -> str:
    """Return the page."""
    found = list(raised_in(PACKAGE))
    own = [raised for raised in found if raised.error != _VALUE_ERROR]
    of_values = [raised for raised in found if raised.error == _VALUE_ERROR]
    parts = [_HEAD, *_own_reasons(own), *_value_reasons(of_values), *_database_reasons(), *_states()]
    return "\n".join(parts) + "\n"


def _own_reasons(own: Iterable[Raised]) -> Iterator[str]:
    yield "## Reasons of the gateway's own\n"
    yield "| reason | code | message |\n|---|---|---|"
    for (reason, error), messages in _together(own):
        yield f"| {reason} | {_code(error)} | {messages} |"


def _value_reasons(of_values: Iterable[Raised]) -> Iterator[str]:
    yield "\n## Reasons of single values\n"
    yield "They stand at field violations; a stored value that can't be read is DATA_LOSS.\n"
    yield "| reason | description |\n|---|---|"
    for (reason, _), messages in _together(of_values):
        yield f"| {reason} | {messages} |"


def _together(found: Iterable[Raised]) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield each reason and class with all of its sentences."""
    sentences: dict[tuple[str, str], set[str]] = defaultdict(set)
    for raised in found:
        sentences[raised.reason, raised.error].add(raised.message)
    for key, messages in sorted(sentences.items()):
        yield key, "; ".join(sorted(messages - {""}))


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
    """Yield each reason that stands as a literal in the package's source, but for the table of SQLSTATEs."""
    for path in sorted(package.rglob("*.py")):
        if path != _TABLE:
            for call, texts in _calls(ast.parse(path.read_text()), {}):
                if raised := _raised(call, texts):
                    yield raised


def _calls(node: ast.AST, texts: Texts) -> Iterator[tuple[ast.Call, Texts]]:
    """Yield the calls below a node, each with the texts that its function has given names to."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            yield child, texts
        is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        yield from _calls(child, dict(_named_texts(child)) if is_function else texts)


def _named_texts(function: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant | ast.JoinedStr):
            yield from ((name.id, node.value) for name in node.targets if isinstance(name, ast.Name))


def _raised(call: ast.Call, known: Texts) -> Raised | None:
    """Return what a call makes: `NotFound(…)`, `InvalidArgument.field(…)`, `Rule(…)` and the like."""
    called = call.func.value if isinstance(call.func, ast.Attribute) else call.func
    name = called.id if isinstance(called, ast.Name) else ""
    texts = call.args[1:] if isinstance(call.func, ast.Attribute) else call.args
    if name in tree.__all__:
        named = (keyword.value for keyword in call.keywords if keyword.arg == "reason")
        return _made(next(named, None), name, texts[:1], known)
    if name == _VALUE_ERROR and len(texts) == 2:  # noqa: PLR2004 - its description and its reason
        return _made(texts[1], name, texts[:1], known)
    if name == Rule.__name__ and isinstance(texts[0], ast.Name):
        return _made(texts[1], texts[0].id, texts[2:3], known)
    return None


def _made(reason: ast.expr | None, error: str, texts: Sequence[ast.expr], known: Texts) -> Raised | None:
    if not isinstance(reason, ast.Constant):
        return None
    return Raised(str(reason.value), error, _sentence(texts[0], known) if texts else "")


def _sentence(text: ast.expr, known: Texts) -> str:
    """Return the message's text, with `{…}` for what is put in at run time; empty where it isn't literal."""
    if isinstance(text, ast.Name) and text.id in known:
        return _sentence(known[text.id], known)
    if isinstance(text, ast.Constant):
        return str(text.value).replace("|", "\\|")
    if isinstance(text, ast.JoinedStr):
        parts = "".join(_sentence(part, known) or "{…}" for part in text.values)
        return " ".join(parts.split()) if "\n" in parts else parts
    if isinstance(text, ast.FormattedValue):
        return _sentence(text.value, known)
    return ""


def _code(error: str) -> str:
    return str(Code.Name(getattr(tree, error).code))


if __name__ == "__main__":
    DOCUMENT.parent.mkdir(exist_ok=True)
    DOCUMENT.write_text(document())
