"""A filter's error: where it is, what was expected, and a caret under the error."""

from gateway.errors import FieldViolation, InvalidArgument

_AROUND = 60


def filter_error(text: str, offset: int, expected: str) -> InvalidArgument:
    """Return the error of `text` at `offset`, with the column counted from 1.

    Args:
        text: the whole filter.
        offset: the wrong character's place, from 0; the text's length stands for its end.
        expected: what is wrong there and what would be right.

    """
    column = offset + 1
    description = f"column {column}: {expected}\n{_caret(text, offset)}"
    return InvalidArgument(
        f"filter: {description}",
        reason="INVALID_FILTER",
        metadata={"column": str(column)},
        violations=[FieldViolation("filter", description, "INVALID_FILTER")],
    )


def filter_error_at(path: str, error: InvalidArgument) -> InvalidArgument:
    """Return the error of a filter that is another field of the request."""
    violations = [FieldViolation(path, one.description, one.reason) for one in error.violations]
    message = f"{path}: {violations[0].description}"
    return InvalidArgument(message, reason=error.reason, metadata=error.metadata, violations=violations)


def _caret(text: str, offset: int) -> str:
    """Return the part of the text around the error, on one line, and a caret under the error."""
    start = max(0, offset - _AROUND)
    part = text[start : offset + _AROUND]
    shown = "".join(char if char.isprintable() else " " for char in part)
    return f"  {shown}\n  {' ' * (offset - start)}^"
