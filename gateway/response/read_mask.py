"""Messages cut to the paths that a read mask names below a field (AIP-157, AIP-161)."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from gateway.request.paths import Steps

Tree = dict[str, "Tree"]
"""What to keep, by field or key; an empty tree keeps the whole."""

_STRUCT = "google.protobuf.Struct"


def cutter(below: Mapping[str, Iterable[Steps]]) -> Callable[[Message], None]:
    """Return the function that removes from a row's message what the paths below its fields don't name."""
    trees = {name: _tree(paths) for name, paths in below.items()}

    def cut(message: Message) -> None:
        for field, value in message.ListFields():
            if field.name in trees:
                _cut_field(field, value, trees[field.name])

    return cut


def _tree(paths: Iterable[Steps]) -> Tree:
    """Return the paths as a tree; a path that another one continues keeps the whole."""
    root: Tree = {}
    whole: set[Steps] = set(paths)
    for steps in whole:
        if any(steps[:i] in whole for i in range(1, len(steps))):
            continue
        place = root
        for step in steps:
            place = place.setdefault(step, {})
    return root


def _cut_field(field: FieldDescriptor, value: Any, tree: Tree) -> None:
    message = field.message_type
    if not tree or message is None:
        return
    if message.GetOptions().map_entry:
        _cut_map(message.fields_by_name["value"], value, tree)
    elif field.is_repeated:
        for item in value:
            _cut_message(item, tree.get("*", {}))
    else:
        _cut_message(value, tree)


def _cut_message(message: Message, tree: Tree) -> None:
    if not tree:
        return
    if message.DESCRIPTOR.full_name == _STRUCT:
        _cut_struct(message, tree)
        return
    for field, value in message.ListFields():
        if field.name not in tree:
            message.ClearField(field.name)
        else:
            _cut_field(field, value, tree[field.name])


def _cut_map(value_field: FieldDescriptor, entries: Any, tree: Tree) -> None:
    for key in list(entries):
        name = str(key).lower() if isinstance(key, bool) else str(key)
        kept = tree.get(name, tree.get("*"))
        if kept is None:
            del entries[key]
        elif value_field.message_type is not None:
            _cut_message(entries[key], kept)


def _cut_struct(struct: Any, tree: Tree) -> None:
    for key in list(struct.fields):
        kept = tree.get(key, tree.get("*"))
        if kept is None:
            del struct.fields[key]
        elif kept and struct.fields[key].HasField("struct_value"):
            _cut_struct(struct.fields[key].struct_value, kept)
