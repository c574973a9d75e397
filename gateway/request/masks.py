"""Field masks: which fields a request reads or writes (AIP-157, AIP-134, AIP-161)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from gateway.errors import FieldViolation, InvalidArgument
from gateway.errors.suggest import did_you_mean
from gateway.request.paths import InvalidPathError, Steps, check_below, split_path
from gateway.schema.model import Field, Relation, Resource
from gateway.schema.values import ValueKind

MAX_PATHS = 1000
"""The most paths of one mask."""
MAX_PATH = 512
"""The most characters of one path."""
MAX_DEPTH = 4
"""The most relations that a path goes through."""
MAX_RELATIONS = 32
"""The most relations of one mask, those below others too."""
_ALL = "*"
_UNRELATED: Mapping[str, Resource] = {}


@dataclass(frozen=True, slots=True)
class Mask:
    """A checked mask, relative to a resource.

    Args:
        fields: the stored fields it names, in the resource's order, each once.
        below: the paths below a field, by the field's proto name, where the mask names parts of it and
            never the whole. Only fields stored as jsonb have parts.
        etag: whether it names the resource's etag, which is computed.
        relations: the relations that it names, in the resource's order, and what of their rows.

    """

    fields: tuple[Field, ...]
    below: Mapping[str, tuple[Steps, ...]]
    etag: bool
    relations: tuple["RelationMask", ...] = ()

    @property
    def relation_count(self) -> int:
        """How many relations it names, those below others too."""
        return sum(1 + one.mask.relation_count for one in self.relations)


@dataclass(frozen=True, slots=True)
class RelationMask:
    """A relation, and which fields of its rows' resource are named."""

    relation: Relation
    resource: Resource
    mask: Mask


Related = Mapping[str, Resource]
"""The resources that relations lead to, by the full names of their messages."""


def read_fields(
    resource: Resource, paths: Iterable[str], path: str = "read_mask", related: Related = _UNRELATED
) -> Mask:
    """Return the fields that a read mask's `paths` name; none, or `*`, stands for all stored ones (AIP-157).

    Relations are read where they are named alone, beside `*` too.
    Raises InvalidArgument naming every path that leads nowhere (reason INVALID_FIELD_MASK); `path` is the
    mask's own field in the request.
    """
    given = tuple(paths)
    of_relations = tuple(one for one in given if _is_below(resource, one)) if _ALL in given else ()
    if of_relations and len(of_relations) + given.count(_ALL) == len(given):
        named = [(_ALL, ()), *(_by_field(resource, of_relations, path, related) or ())]
    else:
        named = _by_field(resource, given, path, related) or [(_ALL, ())]
    mask = _mask(resource, named, related)
    if mask.relation_count > MAX_RELATIONS:
        raise _invalid(path, [f"names {mask.relation_count} relations; at most {MAX_RELATIONS} are read"])
    return mask


def _is_below(resource: Resource, text: str) -> bool:
    """Whether a path begins with a relation."""
    return text.partition(".")[0] in resource.relation_by_name


def update_columns(
    resource: Resource,
    mask: FieldMask | None,
    message: Message,
    path: str = "update_mask",
    related: Related = _UNRELATED,
) -> Mask:
    """Return the fields that an update of a row by `message` writes, and the relations.

    - No mask, or one without paths: the populated fields of `message`. A field with presence is populated
      when it is set; any other when it differs from its default (AIP-134).
    - `*`: all fields, so that unset ones become NULL (full replace).
    - Paths: those fields, whether set in `message` or not. A path below a jsonb field
      (`author.given_name`) appears in `Mask.below`: only that part of the stored message is to change.

    A member of a oneof that is written and set takes the other members along, which become NULL.
    Server-set fields, the key and the etag may be named but are never among the result, so that one mask
    serves reading and writing (AIP-161). What each change sets is, as soon as anything else is. Relations are
    written where they are named alone; what the mask names below them is as it was given.
    Raises InvalidArgument naming every path that leads nowhere (reason INVALID_FIELD_MASK).
    """
    paths = tuple(mask.paths) if mask is not None else ()
    if not paths:
        populated = [(name, ()) for name in _populated(message) if name in resource.by_name]
        return written_fields(resource, _mask(resource, populated), message)
    named = _by_field(resource, paths, path, related)
    if named is None:
        return written_fields(resource, Mask(resource.fields, {}, etag=False), message)
    whole = _mask(resource, named, related)
    if unwritten := [*_unwritten(whole)]:
        raise _invalid(path, unwritten)
    return written_fields(resource, whole, message)


def _unwritten(mask: Mask) -> Iterator[str]:
    """Yield why relations that a mask names aren't written by an update."""
    for one in mask.relations:
        if not one.relation.is_changed:
            yield str(_is_not_written(one.relation))
        yield from _unwritten(one.mask)


def _is_not_written(relation: Relation) -> InvalidPathError:
    when = "is written with a new row alone" if relation.is_created else "is read, and can't be written"
    return InvalidPathError(f'"{relation.name}" is a relation: it {when}')


def means_all(mask: FieldMask | None) -> bool:
    """Return whether an update mask leaves it to the message which fields are written: it names none."""
    return mask is None or not mask.paths or mask.paths == ["*"]


def _populated(message: Message) -> list[str]:
    return [descriptor.name for descriptor, _ in message.ListFields()]


def written_fields(resource: Resource, mask: Mask, message: Message) -> Mask:
    """Return what an update of a row by `message` writes of what a mask names; relations stay as they are."""
    written = _with_rivals(resource, mask, message) if resource.oneofs else mask.fields
    sent = (field for field in written if field.writable and field.preset is None)
    names = {field.name for field in sent if field.column not in resource.primary_key}
    if names:
        names.update(field.name for field in resource.changed_by)
    fields = tuple(field for field in resource.fields if field.name in names)
    below = {name: steps for name, steps in mask.below.items() if name in names}
    return Mask(fields, below, etag=False, relations=mask.relations)


def _with_rivals(resource: Resource, mask: Mask, message: Message) -> tuple[Field, ...]:
    """Return the fields and, for each that is set as one of a oneof, the oneof's other members too."""
    named = {field.name for field in mask.fields}
    for members in resource.oneofs:
        if any(member.name in named and message.HasField(member.name) for member in members):
            named.update(member.name for member in members)
    return tuple(field for field in resource.fields if field.name in named)


def _mask(resource: Resource, named: Iterable[tuple[str, Steps]], related: Related = _UNRELATED) -> Mask:
    below: dict[str, list[Steps]] = {}
    for name, steps in named:
        below.setdefault(name, []).append(steps)
    relations = tuple(
        _relation_mask(relation, below[relation.name], related)
        for relation in resource.relations
        if relation.name in below
    )
    if _ALL in below:
        return Mask(resource.fields, {}, resource.etag is not None, relations)
    fields = tuple(field for field in resource.fields if field.name in below)
    parts = {field.name: tuple(below[field.name]) for field in fields if all(below[field.name])}
    return Mask(fields, parts, resource.etag in below, relations)


def _relation_mask(relation: Relation, paths: Iterable[Steps], related: Related) -> RelationMask:
    """Return what the steps below a relation name of its rows; none stand for all of their stored fields."""
    target = related[relation.target]
    inside = [steps[1:] if relation.is_many else steps for steps in paths]
    named = [(steps[0], steps[1:]) if steps else (_ALL, ()) for steps in inside]
    return RelationMask(relation, target, _mask(target, named, related))


def _by_field(
    resource: Resource, paths: tuple[str, ...], path: str, related: Related = _UNRELATED
) -> list[tuple[str, Steps]] | None:
    """Return each path as a field's name and the steps below it; None where the mask stands for all."""
    if not paths or paths == (_ALL,):
        return None
    if len(paths) > MAX_PATHS:
        raise InvalidArgument.field(
            path, f"has {len(paths)} paths; at most {MAX_PATHS} are allowed", reason="TOO_MANY_PATHS"
        )
    named: list[tuple[str, Steps]] = []
    wrong: list[str] = []
    for text in paths:
        try:
            named.append(_checked(resource, text, related))
        except InvalidPathError as error:
            wrong.append(str(error))
    if wrong:
        raise _invalid(path, wrong)
    return named


def _invalid(path: str, wrong: list[str]) -> InvalidArgument:
    shown = wrong[:10]  # an error's details stay small, however long the mask is
    return InvalidArgument(
        f"{path}: {'; '.join(shown)}",
        reason="INVALID_FIELD_MASK",
        violations=[FieldViolation(path, text, "INVALID_FIELD_MASK") for text in shown],
    )


def _checked(resource: Resource, text: str, related: Related) -> tuple[str, Steps]:
    if text == _ALL:
        raise InvalidPathError('"*" stands alone: leave the other paths out')
    if len(text) > MAX_PATH:
        raise InvalidPathError(f'"{text[:64]}…" is longer than {MAX_PATH} characters')
    name, *below = split_path(text)
    _check_steps(resource, (name, *below), related)
    return name, tuple(below)


def _check_steps(resource: Resource, steps: Steps, related: Related, depth: int = 0) -> None:
    """Raise InvalidPathError unless the steps lead from the resource to something that it can hold."""
    name, below = steps[0], steps[1:]
    if name in (resource.etag, resource.unreadable) and not below:
        return
    relation = resource.relation_by_name.get(name)
    if relation is not None:
        _check_relation(relation, below, related, depth + 1)
        return
    field = resource.by_name.get(name)
    if field is None:
        hint = did_you_mean(name, [*resource.by_name, *resource.relation_by_name])
        raise InvalidPathError(f'{resource.message.full_name} has no field "{name[:64]}"{hint}')
    if below:
        _check_parts(field, below)


def _check_relation(relation: Relation, below: Steps, related: Related, depth: int) -> None:
    name = relation.name
    if relation.target not in related:
        raise _is_not_written(relation)
    if depth > MAX_DEPTH:
        raise InvalidPathError(f'"{name}" is below {MAX_DEPTH} relations: a path goes through no more')
    if below and relation.is_many:
        if below[0] != _ALL:
            raise InvalidPathError(f'"{name}" is repeated: write "{name}" or "{name}.*.…"')
        below = below[1:]
    if below:
        _check_steps(related[relation.target], below, related, depth)


def _check_parts(field: Field, steps: Steps) -> None:
    if field.type.kind is not ValueKind.JSON:
        raise InvalidPathError(
            f'"{field.name}" is read and written whole: name it without ".{steps[0][:64]}"'
        )
    check_below(field.descriptor, steps)
