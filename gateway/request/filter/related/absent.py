"""What a condition says of a row that isn't there, all of whose columns are NULL."""

from gateway.request.filter.plan import (
    And,
    AnyElement,
    AnyOnPath,
    AnyRow,
    IsNull,
    Not,
    NotEmpty,
    OneRow,
    Or,
    Predicate,
    Search,
)


def when_absent(shape: Predicate) -> bool | None:  # noqa: PLR0911 - one line per record
    """Return what a condition is of a row that isn't there: true, false, or None for unknown."""
    match shape:
        case And(items):
            found = [*map(when_absent, items)]
            return False if False in found else None if None in found else True
        case Or(items):
            found = [*map(when_absent, items)]
            return True if True in found else None if None in found else False
        case Not(item):
            inner = when_absent(item)
            return None if inner is None else not inner
        case OneRow(_, _, condition):
            return when_absent(condition)
        case IsNull():
            return True
        case NotEmpty() | AnyElement() | AnyOnPath() | Search() | AnyRow():
            return False
    return None
