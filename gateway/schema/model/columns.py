"""Fields of a resource, each with its column, and who may read and write them."""

from dataclasses import dataclass
from enum import Enum

from google.protobuf.descriptor import FieldDescriptor

from gateway.schema.values import ValueType


class ServerSet(Enum):
    """Why a request's value for a field is ignored."""

    NO = "no"
    OUTPUT_ONLY = "output_only"
    GENERATED = "generated"
    VERSION = "version"
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"
    DELETED_AT = "deleted_at"


HIDDEN_CHARACTERS = "***"
"""What stands for the characters that a mask doesn't show, however many."""


class Shown(Enum):
    """What a column's mask shows of a value."""

    TEXT = "text"
    KEEP_FIRST = "keep_first"
    KEEP_LAST = "keep_last"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class ColumnMask:
    """What is shown in place of a value.

    Args:
        shows: what of it; None of a mask that says nothing, which is no schema's.
        text: TEXT: what is shown of any value.
        count: KEEP_FIRST and KEEP_LAST: how many characters.

    """

    shows: Shown | None
    text: str = ""
    count: int = 0


@dataclass(frozen=True, slots=True)
class ColumnAccess:
    """Which roles may read and write a column, none stands for all; and what others see of it."""

    read: frozenset[str] = frozenset()
    write: frozenset[str] = frozenset()
    mask: ColumnMask | None = None


@dataclass(frozen=True, slots=True)
class ColumnPreset:
    """What of the caller is written in new rows, and in those that change: its name; empty for nothing."""

    create: str = ""
    update: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Field:
    """One column and the proto field that carries it."""

    name: str
    """The proto field's name."""
    column: str
    """The column's name."""
    descriptor: FieldDescriptor
    type: ValueType
    nullable: bool
    has_presence: bool
    """Whether unset can be told from the zero value: unset is NULL, or the default on create."""
    default: str | None = None
    """An SQL expression."""
    generated: str | None = None
    """An SQL expression over the row."""
    identity: bool = False
    server_set: ServerSet = ServerSet.NO
    comment: str = ""
    zero_is_default: bool = False
    """Whether the zero value of a field without presence takes the default on create: identity 0, UUID ""."""
    line: int = 0
    """Where the proto file declares it; 0 where that isn't known."""
    access: ColumnAccess = ColumnAccess()
    """Which callers may read and write it."""
    preset: ColumnPreset | None = None
    """What is written of the caller, in place of what requests say."""
    masked: bool = False
    """Whether it is read through the mask of its access, and known for nothing else: so for some callers."""

    def __repr__(self) -> str:
        return f"Field({self.descriptor.full_name}: {self.type.sql})"

    @property
    def writable(self) -> bool:
        """Whether a request's value for the field is used."""
        return self.server_set is ServerSet.NO

    @property
    def is_created(self) -> bool:
        """Whether a new row takes what its message holds."""
        return self.writable and (self.preset is None or bool(self.preset.create))

    @property
    def is_changed(self) -> bool:
        """Whether a row that changes may take what its message holds."""
        return self.writable and (self.preset is None or bool(self.preset.update))
