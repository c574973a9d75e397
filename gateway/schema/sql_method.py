"""SQL methods: RPCs that are answered by a query of their author's."""

from dataclasses import dataclass
from enum import Enum

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gateway.schema.diagnostics import Diagnostic, Element
from gateway.schema.model import Field, Method
from gateway.schema.sql_text import Query
from gateway.schema.values import ValueType

CALLER = "principal"
"""What parameters of the caller begin with."""
KIND = "SQL"
"""What these methods are called where calls of one kind are weighed or bounded together."""

AFFECTED_ROWS = "affected_rows"
"""The field of a response that holds how many rows a query changed."""


class Gives(Enum):
    """What of a query the response holds."""

    ROW = "row"
    ROWS = "rows"
    COUNT = "count"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class SqlParameter:
    """A value that a query takes.

    Args:
        name: as the query has it.
        path: the request's field that gives it, and those that this is in; none where the caller gives it.
        type: what PostgreSQL takes; None until it is known.

    """

    name: str
    path: tuple[FieldDescriptor, ...] = ()
    type: ValueType | None = None

    @property
    def is_callers(self) -> bool:
        """Whether it is of the caller."""
        return not self.path


@dataclass(frozen=True, slots=True)
class SqlColumn:
    """A column of a query's rows.

    Args:
        path: the names of the field of a row's message that it fills, and of those that this is in.
        field: what is known of it.

    """

    path: tuple[str, ...]
    field: Field


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class SqlMethod(Method):
    """An RPC that is answered by a query of its author's."""

    query: Query
    element: Element
    """Where it is declared."""
    parameters: tuple[SqlParameter, ...]
    """In the order of the query's numbers."""
    gives: Gives
    row: Descriptor
    """The message of a row."""
    writes: bool = False
    bypasses_policies: bool = False
    """Whether it may touch tables whose policies don't hold in it."""
    not_null: frozenset[str] = frozenset()
    """The columns that are declared to be never NULL."""
    allow_missing: bool = False
    max_rows: int
    columns: tuple[SqlColumn, ...] = ()
    """Those of its rows, once the database has told them."""
    is_volatile: bool = True
    """Whether nothing proves that a query which isn't said to write doesn't."""

    @property
    def kind_name(self) -> str:
        """That of all SQL methods."""
        return KIND

    @property
    def reads(self) -> bool:
        """Whether it is said to be so: PostgreSQL refuses what isn't true of it."""
        return not (self.writes or self.descriptor.server_streaming)

    @property
    def is_explained(self) -> bool:
        """Whether it only reads."""
        return not self.writes

    @property
    def casts(self) -> dict[str, str]:
        """The types of the parameters that are sent as text."""
        return {one.name: one.type.sql for one in self.parameters if one.type and one.type.text_cast}

    def wrong(self, offset: int, wrong: str, right: str = "") -> Diagnostic:
        """Return a diagnostic of the character at that offset of the query."""
        line, column = self.element.in_query(offset)
        return Diagnostic(self.element.file, line, self.full_name, wrong, right, column)
