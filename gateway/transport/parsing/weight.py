"""The memory that a message takes once it is parsed, counted from its wire form before.

A nested message of two bytes on the wire takes a hundred and more in protobuf's arenas, a number in a packed
list eight for one. So bytes are no measure of a request: what it is made of is counted first.
https://protobuf.dev/programming-guides/encoding
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from google.protobuf.descriptor import Descriptor, FieldDescriptor

MAX_DEPTH = 100
"""The deepest nesting that protobuf parses."""

# Measured with protobuf 7.36 (upb): a message is a header and its fields, its place in a list, and what the
# arena leaves unused; a list and its first elements take about as much as a map's entry.
_MESSAGE = 56
_SLOT = 16
_FIRST = 96
_ENTRY = 112
_TEXT = 48
_WIDTHS: Mapping[int, int] = {
    FieldDescriptor.TYPE_BOOL: 1,
    FieldDescriptor.TYPE_FLOAT: 4,
    FieldDescriptor.TYPE_FIXED32: 4,
    FieldDescriptor.TYPE_SFIXED32: 4,
    FieldDescriptor.TYPE_INT32: 4,
    FieldDescriptor.TYPE_SINT32: 4,
    FieldDescriptor.TYPE_UINT32: 4,
    FieldDescriptor.TYPE_ENUM: 4,
}
_FIXED_WIDTHS: Mapping[int, int] = {
    FieldDescriptor.TYPE_FLOAT: 4,
    FieldDescriptor.TYPE_FIXED32: 4,
    FieldDescriptor.TYPE_SFIXED32: 4,
    FieldDescriptor.TYPE_DOUBLE: 8,
    FieldDescriptor.TYPE_FIXED64: 8,
    FieldDescriptor.TYPE_SFIXED64: 8,
}
_TEXTS = (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES)
_VARINT, _FIXED64, _LENGTH, _START_GROUP, _END_GROUP, _FIXED32 = range(6)
_CONTINUED = bytes(range(128, 256))


class Malformed(ValueError):  # noqa: N818 - the caller's error, and told as one
    """Bytes that are no message."""


class TooManyElements(ValueError):  # noqa: N818 - as above
    """A message that is made of more than was allowed."""


@dataclass(frozen=True, slots=True)
class Part:
    """A field that takes more memory than its bytes on the wire.

    Args:
        cost: bytes that each element takes beside its content.
        layout: of the messages that it holds; None where it holds none.
        packed: bytes of one number on the wire; 0 where their sizes differ, None where nothing is packed.
        wires: the wire types that its elements come with; any other is an unknown field's.

    """

    cost: int
    layout: "Layout | None" = None
    packed: int | None = None
    wires: Sequence[int] = (_LENGTH,)

    @property
    def packed_cost(self) -> int:
        """The most that a byte of packed numbers takes; 0 where nothing is packed."""
        return 0 if self.packed is None else -(-self.cost // max(self.packed, 1))


@dataclass(slots=True)
class Layout:
    """What a message type takes.

    Args:
        size: bytes of an empty message.
        parts: its fields that take more than their bytes, by number.

    """

    size: int
    parts: "dict[int, Part]" = field(default_factory=dict)


Parts: TypeAlias = Mapping[int, Part]


def layout_of(message: Descriptor, known: dict[str, Layout] | None = None) -> Layout:
    """Return the layout of a message type, and of those that it holds."""
    known = {} if known is None else known
    made = known.get(message.full_name)
    if made is None:
        size = _MESSAGE + sum(_width(one) for one in message.fields)
        made = known[message.full_name] = Layout(size)
        parts = ((one.number, _part(one, known)) for one in message.fields)
        made.parts.update((number, part) for number, part in parts if part is not None)
    return made


def _width(one: FieldDescriptor) -> int:
    if one.is_repeated or one.message_type is not None:
        return 8
    return 16 if one.type in _TEXTS else _WIDTHS.get(one.type, 8)


def _part(one: FieldDescriptor, known: dict[str, Layout]) -> Part | None:
    if one.message_type is not None:
        inner = layout_of(one.message_type, known)
        if one.message_type.GetOptions().map_entry:
            return Part(_ENTRY, inner)
        wires: Sequence[int] = (_START_GROUP,) if one.type == FieldDescriptor.TYPE_GROUP else (_LENGTH,)
        return Part(inner.size + (_SLOT if one.is_repeated else 0), inner, wires=wires)
    if not one.is_repeated:
        return None
    if one.type in _TEXTS:
        return Part(_TEXT)
    # Numbers may come packed or not, whatever was declared.
    wires = (_LENGTH, _VARINT, _FIXED64, _FIXED32)
    return Part(2 * _WIDTHS.get(one.type, 8), packed=_FIXED_WIDTHS.get(one.type, 0), wires=wires)


class NestedBound:
    """The most that messages of one type can take beside themselves, told without a walk over them.

    Args:
        layout: the type's.

    """

    def __init__(self, layout: Layout) -> None:
        held = _reachable(layout)
        self._costs = [(_Spellings(tag), cost) for tag, cost in _costs(held).items()]
        self._packed = max((part.packed_cost for one in held for part in one.parts.values()), default=0)

    def __call__(self, data: bytes, start: int, stop: int) -> int:
        """Return the bound for a part of a message, by bytes that could be tags.

        It is a few passes at the speed of memchr. A packed list has one tag, however long it is: where there
        is a tag at all, all bytes may be of such lists.
        """
        bound = sum(tag.count(data, start, stop) * cost for tag, cost in self._costs)
        return bound + (stop - start) * self._packed if bound else 0


def weigh(data: bytes, layout: Layout, start: int, stop: int, most: int) -> int:
    """Return what a message's fields between `start` and `stop` take, by a walk over them and all below.

    Raises Malformed, and TooManyElements for more than `most` fields and numbers in them.
    """
    try:
        walk = _Walk(data, most)
        walk.fields(start, stop, layout.parts)
    except IndexError:
        raise Malformed from None
    return stop - start + walk.memory


class _Walk:
    def __init__(self, data: bytes, most: int) -> None:
        self._data = data
        self._left = most
        self.memory = 0

    def fields(  # noqa: C901 - a call less for each field: it is the whole cost
        self, pos: int, end: int, parts: Parts, depth: int = 0, group: int = 0
    ) -> int:
        """Walk the fields of a message, or of a group with that number; return where they end."""
        data, last = self._data, 0
        if depth > MAX_DEPTH:
            raise Malformed
        while pos < end:
            self._left -= 1
            if self._left < 0:
                raise TooManyElements
            tag = data[pos]
            pos += 1
            if tag > 127:  # noqa: PLR2004 - a varint goes on
                tag, pos = read_varint(data, pos - 1)
            number, wire = tag >> 3, tag & 7
            part = parts.get(number)
            if part is not None and wire in part.wires:
                self.memory += part.cost if tag == last else part.cost + _FIRST
            else:
                part = None
            last = tag
            if wire == _LENGTH:
                size, start = read_varint(data, pos)
                pos = min(start + size, end + 1)
                if part is not None:
                    self._content(part, start, pos, depth)
            elif wire == _START_GROUP:
                pos = self.fields(pos, end, _parts_in(part), depth + 1, number)
            elif wire == _END_GROUP and group == number:
                return pos
            else:
                pos = number_end(data, pos, wire)
        if pos != end or group:
            raise Malformed
        return pos

    def _content(self, part: Part, pos: int, end: int, depth: int) -> None:
        if part.layout is not None:
            self.fields(pos, end, part.layout.parts, depth + 1)
        elif part.packed is not None:
            count = self._numbers(pos, end, part.packed)
            self.memory += count * part.cost
            self._left -= count
            if self._left < 0:
                raise TooManyElements

    def _numbers(self, pos: int, end: int, width: int) -> int:
        if width:
            return (end - pos) // width
        # A number of no fixed size ends with the byte that has its highest bit clear.
        return len(self._data[pos:end].translate(None, _CONTINUED))


def _parts_in(part: Part | None) -> Parts:
    return part.layout.parts if part is not None and part.layout is not None else {}


def read_varint(data: bytes, pos: int) -> tuple[int, int]:
    """Return the number at `pos`, and what follows it. Raises Malformed, and IndexError past the end."""
    byte = data[pos]
    pos += 1
    if byte < 128:  # noqa: PLR2004 - the last byte of a varint
        return byte, pos
    value, shift = byte & 127, 7
    while True:
        byte = data[pos]
        pos += 1
        value |= (byte & 127) << shift
        if byte < 128:  # noqa: PLR2004 - as above
            return value, pos
        shift += 7
        if shift >= 70:  # noqa: PLR2004 - ten bytes
            raise Malformed


def number_end(data: bytes, pos: int, wire: int) -> int:
    """Return where a value ends that is neither bytes nor a group; raises as read_varint."""
    if wire == _VARINT:
        return read_varint(data, pos)[1]
    if wire == _FIXED64:
        return pos + 8
    if wire == _FIXED32:
        return pos + 4
    raise Malformed


def group_end(data: bytes, pos: int, number: int, most: int) -> int:
    """Return where a group ends whose first tag was read; raises as read_varint, and TooManyElements."""
    around = [number]
    while around:
        most -= 1
        if most < 0:
            raise TooManyElements
        tag, pos = read_varint(data, pos)
        wire = tag & 7
        if wire == _START_GROUP:
            around.append(tag >> 3)
        elif wire == _LENGTH:
            size, pos = read_varint(data, pos)
            pos += size
        elif wire != _END_GROUP:
            pos = number_end(data, pos, wire)
        elif around.pop() != tag >> 3:
            raise Malformed
    return pos


def _reachable(layout: Layout) -> list[Layout]:
    """Return a layout, and those that its fields hold, at any depth."""
    found: dict[int, Layout] = {}
    waiting: list[Layout | None] = [layout]
    while waiting:
        held = waiting.pop()
        if held is not None and id(held) not in found:
            found[id(held)] = held
            waiting += [part.layout for part in held.parts.values()]
    return list(found.values())


def _costs(layouts: Iterable[Layout]) -> Mapping[int, int]:
    """Return the tags of the layouts' parts, with the most that an element of such a tag takes."""
    tags: dict[int, int] = {}
    for held in layouts:
        for number, part in held.parts.items():
            for tag in (number << 3 | wire for wire in part.wires):
                tags[tag] = max(tags.get(tag, 0), part.cost + _FIRST)
    return tags


class _Spellings:
    """The ways to write a tag: a varint may end with zeros that mean nothing."""

    def __init__(self, tag: int) -> None:
        written = bytearray()
        while tag > 127:  # noqa: PLR2004 - a varint goes on
            written.append(tag & 127 | 128)
            tag >>= 7
        self._all = (bytes([*written, tag]), bytes([*written, tag | 128]))

    def count(self, data: bytes, start: int, stop: int) -> int:
        """Return how often the tag can stand there, at most."""
        # Looking for a single byte first is several times as fast, and mostly enough.
        return sum(data.count(one, start, stop) for one in self._all if data.find(one[:1], start, stop) >= 0)
