"""A statement: text, bind order and row shape, compiled once and cached by shape."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy.engine import URL
from sqlalchemy.sql.elements import ClauseElement

from gateway.schema.model import Field

if TYPE_CHECKING:
    from sqlalchemy.sql.compiler import SQLCompiler

    from gateway.sql.audit import AuditedRows

# SQLAlchemy's asyncpg dialect numbers and casts the parameters: `$1::UUID`.
_DIALECT = URL.create("postgresql+asyncpg").get_dialect()()
_Take = Callable[[Mapping[str, Any]], Sequence[Any]]
# Every table is named with its schema: without one, pg_catalog's come first, and public may not come at all.
_SCHEMAS = {None: "public"}


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL that is ready to be prepared.

    Args:
        text: SQL with `$n` parameters.
        binds: the parameter names in the order of `$1, $2, …`; a name may stand twice.
        fields: the fields of the result's columns, in order; empty where it returns none of the resource's.
        writes: whether it changes rows, so that losing the connection leaves the outcome open.
        name: what logs and metrics call it, such as `get flight`.
        constants: values of binds that the statement itself brings (limits, literals), by name.
        audited: reads from its rows which ones it has changed, where that is kept.

    """

    text: str
    binds: tuple[str, ...]
    fields: tuple[Field, ...]
    writes: bool
    name: str
    constants: Mapping[str, Any]
    audited: "AuditedRows | None" = None
    _take: "_Take | None" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Find out how arguments are taken, which each call of the statement does."""
        object.__setattr__(self, "_take", _taker(self.binds, self.constants))

    def arguments(self, values: Mapping[str, Any]) -> Sequence[Any]:
        """Return the values in bind order; `values` win over the statement's constants."""
        if self._take is not None:
            return self._take(values)
        constants = self.constants
        return [values[name] if name in values else constants[name] for name in self.binds]


def _taker(binds: Sequence[str], constants: Mapping[str, Any]) -> _Take | None:
    """Return what takes values in bind order; None where the statement brings some of them, or has none."""
    if not binds or not constants.keys().isdisjoint(binds):
        return None
    if len(binds) == 1:
        (name,) = binds
        return lambda values: (values[name],)
    return itemgetter(*binds)


def compile_statement(
    clause: ClauseElement,
    *,
    fields: tuple[Field, ...] = (),
    writes: bool = False,
    name: str,
    audited: "AuditedRows | None" = None,
) -> Statement:
    """Return the Statement of an SQLAlchemy clause."""
    options: Any = {"schema_translate_map": _SCHEMAS, "render_schema_translate": True}
    compiled = cast("SQLCompiler", clause.compile(dialect=_DIALECT, **options))
    return Statement(
        text=str(compiled),
        binds=tuple(compiled.positiontup or ()),
        fields=fields,
        writes=writes,
        name=name,
        constants={key: value for key, value in compiled.params.items() if value is not None},
        audited=audited,
    )
