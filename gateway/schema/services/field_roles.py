"""A request's or response's fields → the roles they play; one that plays none is a diagnostic."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gateway.schema.diagnostics import Diagnostics
from gateway.schema.model import Resource
from gateway.schema.protos.foreign_packages import is_foreign
from gateway.schema.services.standard_methods import Role, RoleType

_SCALARS: Mapping[RoleType, frozenset[int]] = {
    RoleType.STRING: frozenset({FieldDescriptor.TYPE_STRING}),
    RoleType.BOOL: frozenset({FieldDescriptor.TYPE_BOOL}),
    RoleType.INT32: frozenset({FieldDescriptor.TYPE_INT32}),
    RoleType.INT64: frozenset({FieldDescriptor.TYPE_INT64}),
    RoleType.COUNT: frozenset({FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_INT32}),
}
_NAMED: Mapping[RoleType, tuple[str, bool]] = {
    RoleType.MASK: ("google.protobuf.FieldMask", False),
    RoleType.COUNT_MODE: ("rowgate.v1.CountMode", False),
    RoleType.ON_CONFLICT: ("rowgate.v1.OnConflict", False),
    RoleType.ON_DUPLICATE: ("rowgate.v1.OnDuplicate", False),
    RoleType.FAILURES: ("rowgate.v1.RowFailure", True),
    RoleType.OUTCOMES: ("rowgate.v1.RowOutcome", True),
    RoleType.INGEST_START: ("rowgate.v1.IngestStart", False),
    RoleType.TRANSFORMS: ("rowgate.v1.FieldTransform", True),
    RoleType.STORED_TRANSFORMS: ("rowgate.v1.StoredTransforms", False),
    RoleType.STEPS: ("rowgate.v1.Step", True),
    RoleType.ISOLATION: ("rowgate.v1.IsolationLevel", False),
    RoleType.PACKED: ("google.protobuf.Any", True),
    RoleType.RELATIONS: ("rowgate.v1.RelationArguments", True),
    RoleType.STEP: ("rowgate.v1.Step", False),
    RoleType.SESSION_BEGIN: ("rowgate.v1.SessionBegin", False),
    RoleType.SESSION_END: ("rowgate.v1.SessionEnd", False),
    RoleType.PACKED_ONE: ("google.protobuf.Any", False),
    RoleType.STATUS: ("google.rpc.Status", False),
    RoleType.WORDS: ("rowgate.v1.SearchWords", False),
    RoleType.LIKE: ("rowgate.v1.SearchLike", False),
    RoleType.NEAR: ("rowgate.v1.SearchNear", False),
}


def type_name(descriptor: FieldDescriptor) -> str | None:
    """Return the full name of the field's message or enum; None for a scalar."""
    named = descriptor.message_type or descriptor.enum_type
    return None if named is None else str(named.full_name)


def holds_messages(descriptor: FieldDescriptor) -> bool:
    """Whether the field holds messages; a map doesn't."""
    message = descriptor.message_type
    return message is not None and not message.GetOptions().map_entry


def same_type(one: FieldDescriptor, other: FieldDescriptor) -> bool:
    """Whether two fields hold values of one type, be they repeated or not."""
    return one.type == other.type and type_name(one) == type_name(other)


def same_shape(one: FieldDescriptor, other: FieldDescriptor) -> bool:
    """Whether two fields are of one type, and both repeated or neither."""
    return same_type(one, other) and one.is_repeated == other.is_repeated


@dataclass(kw_only=True)
class RoleBinder:
    """Binds the fields of one message to roles that go by name.

    Args:
        message: the request or response.
        diagnostics: where what is wrong goes.
        method: the method's full name, at which diagnostics of a message that belongs to others are noted.

    """

    message: Descriptor
    diagnostics: Diagnostics
    method: str
    taken: set[str] = field(default_factory=set)

    @property
    def where(self) -> str:
        """Where diagnostics of the message as a whole are noted."""
        own = not is_foreign(self.message.file.package)
        return str(self.message.full_name) if own else self.method

    def roles(self, roles: Iterable[Role]) -> dict[str, FieldDescriptor]:
        """Return the field of each role that the message has."""
        return {role.name: found for role in roles if (found := self._bind(role)) is not None}

    def left(self) -> list[FieldDescriptor]:
        """Return the fields that play no role yet."""
        return [candidate for candidate in self.message.fields if candidate.name not in self.taken]

    def take(self, candidate: FieldDescriptor) -> FieldDescriptor:
        """Mark a field as bound."""
        self.taken.add(candidate.name)
        return candidate

    def _bind(self, role: Role) -> FieldDescriptor | None:
        candidate = self.message.fields_by_name.get(role.name)
        # A key may be called like a role: it is the key then, and nothing plays the role.
        if candidate is None or candidate.name in self.taken:
            if role.required:
                self._missing(role)
            return None
        if not self.fits(role.type, candidate):
            self.diagnostics.add(
                candidate.full_name, "is of the wrong type", f"{role.name} must be {role.type.value}"
            )
        return self.take(candidate)

    def _missing(self, role: Role) -> None:
        self.diagnostics.add(self.where, f"{self.message.name} lacks {self._wanted(role)}", "add it")

    def _wanted(self, role: Role) -> str:
        return f'a field "{role.name}" ({role.type.value})'

    def fits(self, wanted: RoleType, candidate: FieldDescriptor) -> bool:
        """Whether the field is of the role's type."""
        if wanted in _SCALARS:
            return candidate.type in _SCALARS[wanted] and not candidate.is_repeated
        if wanted in (RoleType.NAMES, RoleType.NAMES_OR_MASK):
            are_names = candidate.type == FieldDescriptor.TYPE_STRING and candidate.is_repeated
            return are_names or (wanted is RoleType.NAMES_OR_MASK and self.fits(RoleType.MASK, candidate))
        return (type_name(candidate), candidate.is_repeated) == _NAMED[wanted]


@dataclass(kw_only=True)
class Binder(RoleBinder):
    """Binds the fields of one message of a standard method.

    Args:
        resource: what the method works on.
        keys: the request's keys field, for a response's `missing`.

    """

    resource: Resource
    keys: FieldDescriptor | None = None

    def _bind(self, role: Role) -> FieldDescriptor | None:
        if role.type in (RoleType.RESOURCE, RoleType.ROWS):
            return self._by_type(role)
        if role.type is RoleType.GROUPS:
            return self._groups(role)
        return super()._bind(role)

    def _by_type(self, role: Role) -> FieldDescriptor | None:
        repeated = role.type is RoleType.ROWS
        wanted = self.resource.message.full_name
        found = [one for one in self.left() if one.is_repeated == repeated and type_name(one) == wanted]
        if len(found) == 1:
            return self.take(found[0])
        if found:
            names = ", ".join(one.name for one in found)
            self.diagnostics.add(self.where, f"has several fields of {wanted}: {names}", "keep one")
        elif role.required:
            self._missing(role)
        return None

    def _groups(self, role: Role) -> FieldDescriptor | None:
        found = [one for one in self.left() if one.is_repeated and holds_messages(one)]
        if len(found) == 1:
            return self.take(found[0])
        self._missing(role)
        return None

    def _wanted(self, role: Role) -> str:
        spelled = {
            RoleType.GROUPS: "one repeated field of a message that is no resource",
            RoleType.RESOURCE: f"a field of {self.resource.message.full_name}",
            RoleType.ROWS: f"a repeated field of {self.resource.message.full_name}",
        }
        return spelled.get(role.type) or super()._wanted(role)

    def fits(self, wanted: RoleType, candidate: FieldDescriptor) -> bool:
        """Whether the field is of the role's type."""
        if wanted is RoleType.ITEMS:
            return candidate.message_type is not None and candidate.is_repeated
        if wanted is RoleType.KEYS:
            return self.keys is not None and same_type(candidate, self.keys) and candidate.is_repeated
        if wanted is RoleType.VERSION:
            return self._fits_version(candidate)
        return super().fits(wanted, candidate)

    def _fits_version(self, candidate: FieldDescriptor) -> bool:
        version = self.resource.by_column.get(self.resource.version or "")
        return version is not None and same_type(candidate, version.descriptor) and not candidate.is_repeated
