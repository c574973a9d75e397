"""Errors that Citus passes on from its nodes, which it tells of by their SQLSTATE and sentence alone.

So the names in quotes are read of the sentence, where PostgreSQL has fields for them; of another language
whose quotes are others none is. A shard is called as its table is, with a number behind that.
"""

import re
from collections.abc import Callable, Mapping, Sequence

_PASSES_ON = "ReportResultError"
_COPIES = "ReportCopyError"
_COMMITS = "ErrorIfPostCommitFailedShardPlacements"
_LOST = "08"
"""The class of SQLSTATE of connections: Citus tells so of those to its nodes."""
_QUOTED = re.compile(r'"([^"]+)"')
_NUMBER = re.compile(r"_[0-9]{6,}$")


def names_in(error: BaseException) -> Mapping[str, str]:
    """Return the names of constraint, table and column that a node's refusal of a row tells."""
    if getattr(error, "server_source_function", None) != _PASSES_ON:
        return {}
    told = _TOLD.get(str(getattr(error, "sqlstate", "")))
    quoted = [_NUMBER.sub("", name) for name in _QUOTED.findall(str(error.args[0]))] if told else []
    return told(quoted) if told and quoted else {}


def is_of_a_copy(error: BaseException) -> bool:
    """Return whether a node refused rows of a COPY: Citus tells no SQLSTATE of these."""
    return getattr(error, "server_source_function", None) == _COPIES


def is_undecided(error: BaseException) -> bool:
    """Return whether a node was lost that may have committed what it wrote."""
    lost = str(getattr(error, "sqlstate", "")).startswith(_LOST)
    return lost or getattr(error, "server_source_function", None) == _COMMITS


def _of_reference(quoted: Sequence[str]) -> Mapping[str, str]:
    table, constraint, *referring = quoted
    return {"constraint": constraint, "table": referring[0] if referring else table}


_TOLD: Mapping[str, Callable[[Sequence[str]], Mapping[str, str]]] = {
    "23502": lambda quoted: dict(zip(("column", "table"), quoted, strict=False)),
    "23503": _of_reference,
    "23505": lambda quoted: {"constraint": quoted[0]},
    "23514": lambda quoted: dict(zip(("table", "constraint"), quoted, strict=False)),
    "23P01": lambda quoted: {"constraint": quoted[0]},
}
