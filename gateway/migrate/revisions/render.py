"""Steps as the Python of a revision file, formatted as ruff and black would."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, groupby
from textwrap import indent

from gateway.migrate.plan.record import Recorded
from gateway.migrate.plan.steps import Run, Step, groups

_WIDTH = 110
_USED = {
    Run.COMMITTED: "committed",
    Run.TOGETHER: "execute",
    Run.OUTSIDE: "build_index",
    Run.BATCHES: "in_batches",
    Run.AFTERWARDS: "execute",
}
_MARGIN = " " * 4
_NEWLINE = "\n"


def in_files(steps: Sequence[Step]) -> list[tuple[Step, ...]]:
    """Return the steps of each revision: one that failed is run again as a whole.

    Steps that build indexes or look at rows can be; those in a transaction can once it is undone.
    """
    again = (Run.OUTSIDE, Run.BATCHES, Run.AFTERWARDS)
    by_kind = groupby(groups(steps), key=lambda group: group[0].run in again)
    return [tuple(chain(*parts)) for _, parts in by_kind]


def render_statements(steps: Sequence[Step]) -> str:
    """Return the body of `upgrade`; empty without steps."""
    return "\n".join(_statement(step) for step in steps)


def render_words(words: Iterable[str]) -> str:
    """Return the tuple of what is lost, or of what breaks; without what is empty."""
    lines = [f"{_MARGIN}{_string(one)},\n" for one in words if one]
    return f"({_NEWLINE}{''.join(lines)})" if lines else "()"


def render_fields(numbers: Mapping[Recorded, int]) -> str:
    """Return the dictionary of the numbers of columns' fields; empty without any."""
    lines = [
        f"{_MARGIN}({', '.join(map(_string, (*column.table, column.name)))}): {number},\n"
        for column, number in numbers.items()
    ]
    return f"{{{_NEWLINE}{''.join(lines)}}}" if lines else ""


def imports_of(steps: Sequence[Step]) -> list[str]:
    """Return what the statements use of gateway.migrate.statements."""
    uses = {_USED[step.run] for step in steps}
    return sorted(uses | {"execute"} if uses & {"committed", "in_batches"} else uses)


def _statement(step: Step) -> str:
    call = _call(step.sql)
    reason = f"{_MARGIN}# {step.line}\n"
    if step.index is not None:
        (schema, table), index = step.index
        names = "".join(f"    {_string(name)},\n" for name in (schema, table, index))
        return reason + indent(f"build_index(\n{names}    {_string(step.sql)},\n)", _MARGIN)
    if step.run is Run.BATCHES:
        batches = call.replace("execute(", "in_batches(", 1)
        return f"{reason}{_MARGIN}{batches}\n{_MARGIN}{_call(step.proof)}"
    if step.run is Run.COMMITTED:
        return reason + indent(f"with committed():\n{_MARGIN}{call}", _MARGIN)
    return reason + (indent(call, _MARGIN) if "\n" not in call else _MARGIN + call)


def _call(sql: str) -> str:
    one_line = f"execute({_string(sql)})"
    if len(one_line) + 2 * len(_MARGIN) <= _WIDTH or _breaks_inside_literal(sql):
        return one_line
    escaped = sql.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    margin = _MARGIN * 2
    return f'execute(\n{margin}"""\n{indent(escaped, margin)}\n{margin}"""\n{_MARGIN})'


def _string(text: str) -> str:
    """Return a string literal in double quotes, unless single ones need fewer escapes."""
    if '"' in text and "'" not in text:
        return repr(text)
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _breaks_inside_literal(sql: str) -> bool:
    """Return whether a line ends inside quotes, where indentation would change the value."""
    return any("\n" in part for part in sql.split("'")[1::2])
