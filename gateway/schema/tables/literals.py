"""Values as literals of SQL: of schemas and catalogs, never of requests."""

from decimal import Decimal


def literal(text: str) -> str:
    r"""Return a string literal: `'…'`, or `E'…'` where it holds a backslash: no setting changes that."""
    escaped = text.replace("'", "''")
    return f"'{escaped}'" if "\\" not in text else "E'" + escaped.replace("\\", "\\\\") + "'"


def value_literal(value: object) -> str | None:
    """Return the literal of a value as the driver takes it, such as a field's zero; None of other kinds."""
    match value:
        case bool():
            return str(value).lower()
        case int() | float() | Decimal():
            return f"{value:f}" if isinstance(value, Decimal) else f"{value:g}"
        case str():
            return literal(value)
        case bytes():
            return literal(f"\\x{value.hex()}")
        case []:
            return "'{}'"
        case _:
            return None
