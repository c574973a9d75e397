"""Steps as the Python of a revision file, formatted as ruff and black would."""

from collections.abc import Sequence
from textwrap import indent

from gateway.migrate.plan.steps import Step

_WIDTH = 110
_MARGIN = " " * 4


def render_statements(steps: Sequence[Step]) -> str:
    """Return the body of `upgrade`; empty without steps."""
    return "\n".join(_statement(step) for step in steps)


def render_destroys(steps: Sequence[Step]) -> str:
    """Return the tuple of what is lost."""
    losses = [step.destroys for step in steps if step.destroys]
    if not losses:
        return "()"
    return "(\n" + "".join(f"{_MARGIN}{_string(loss)},\n" for loss in losses) + ")"


def imports_of(steps: Sequence[Step]) -> list[str]:
    """Return what the statements use of gateway.migrate.statements."""
    return ["committed", "execute"] if any(step.alone for step in steps) else ["execute"]


def _statement(step: Step) -> str:
    call = _call(step.sql)
    reason = f"{_MARGIN}# {step.line}\n"
    if step.alone:
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
