"""Rules of masks: somebody sees them, and what they show is a value of the field's type."""

import re

from gateway.schema.model import HIDDEN_CHARACTERS, ColumnMask, Field, Shown
from gateway.schema.rules.finding import Finding, Findings
from gateway.schema.types.texts import plain
from gateway.schema.values import InvalidValueError, ValueKind

_MAX_KEPT = 64
_LENGTH = re.compile(r"character varying\((\d+)\)")
_SHOWN_OF = {
    Shown.TEXT: (ValueKind.TEXT,),
    Shown.KEEP_FIRST: (ValueKind.TEXT,),
    Shown.KEEP_LAST: (ValueKind.TEXT,),
    Shown.YEAR: (ValueKind.TIMESTAMP, ValueKind.DATE),
}


def mask_findings(field: Field, mask: ColumnMask) -> Findings:
    """Yield what is wrong with the mask of a field."""
    where = field.descriptor.full_name
    if not field.access.read:
        yield Finding(where, "has a mask, which nobody sees: all may read it", "name who may, by access.read")
    if mask.shows is None:
        yield Finding(where, "has a mask that shows nothing", "set text, keep_first, keep_last or year")
    elif field.type.kind not in _SHOWN_OF[mask.shows]:
        kinds = "a Timestamp or Date" if mask.shows is Shown.YEAR else "a string that is stored as text"
        yield Finding(where, f"has a mask with {mask.shows.value}, which only {kinds} can have")
    else:
        yield from _text(where, field, mask)


def _text(where: str, field: Field, mask: ColumnMask) -> Findings:
    if mask.shows in (Shown.KEEP_FIRST, Shown.KEEP_LAST) and not 1 <= mask.count <= _MAX_KEPT:
        yield Finding(where, f"has a mask that keeps {mask.count} characters", f"keep 1 to {_MAX_KEPT}")
    shown = len(mask.text) if mask.shows is Shown.TEXT else mask.count + len(HIDDEN_CHARACTERS)
    limit = _LENGTH.fullmatch(field.type.sql)
    if limit is not None and shown > int(limit[1]):
        yield Finding(where, f"has a mask of {shown} characters, where it has {limit[1]} at most")
    try:
        plain(mask.text)
    except InvalidValueError as error:
        yield Finding(where, f"has a mask whose text {error.description}")
