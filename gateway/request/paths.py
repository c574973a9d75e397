"""The paths of field masks: text to steps, and steps checked against messages (AIP-161)."""

import re

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gateway.errors.suggest import did_you_mean

Steps = tuple[str, ...]

_STEP = re.compile(r"`((?:[^`]|``)*)`|([^.`]+)")
_STRUCT = "google.protobuf.Struct"


class InvalidPathError(ValueError):
    """What is wrong with a path, and what would be right."""


def split_path(path: str) -> Steps:
    """Return a path's steps. A step in backticks is taken as it stands (AIP-161, map fields).

    A backtick inside of such a step is written twice.
    Raises InvalidPathError for an empty step or a backtick left open.
    """
    steps: list[str] = []
    position = 0
    while match := _STEP.match(path, position):
        quoted, plain = match.groups()
        steps.append(plain if quoted is None else quoted.replace("``", "`"))
        position = match.end()
        if position == len(path):
            return tuple(steps)
        if path[position] != ".":
            break
        position += 1
    raise InvalidPathError(f'"{path[:64]}" is no path: write field names with one "." between them')


def check_below(field: FieldDescriptor, steps: Steps) -> None:
    """Raise InvalidPathError unless `steps` lead from `field` to something its message can hold.

    Maps and Structs take any key. A repeated field takes `*` for each of its elements, never an index.
    """
    message = field.message_type
    if not steps:
        return
    if message is not None and message.GetOptions().map_entry:
        check_below(message.fields_by_name["value"], steps[1:])
    elif field.is_repeated:
        _check_elements(field, steps)
    elif message is None:
        raise InvalidPathError(f'"{field.name}" is a single value: name it without ".{steps[0][:64]}"')
    elif message.full_name != _STRUCT:
        _check_member(message, steps)


def _check_elements(field: FieldDescriptor, steps: Steps) -> None:
    if steps[0] != "*":
        raise InvalidPathError(f'"{field.name}" is repeated: write "{field.name}" or "{field.name}.*.…"')
    if len(steps) > 1:
        if field.message_type is None:
            raise InvalidPathError(f'the elements of "{field.name}" are single values')
        _check_member(field.message_type, steps[1:])


def _check_member(message: Descriptor, steps: Steps) -> None:
    member = message.fields_by_name.get(steps[0])
    if member is None:
        hint = did_you_mean(steps[0], message.fields_by_name)
        raise InvalidPathError(f'{message.full_name} has no field "{steps[0][:64]}"{hint}')
    check_below(member, steps[1:])
