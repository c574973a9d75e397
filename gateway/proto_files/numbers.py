"""Field numbers: those that a message has stay, and others follow the last that was ever used."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from google.protobuf.descriptor_pb2 import DescriptorProto

# protobuf's own: https://protobuf.dev/programming-guides/proto3/#assigning
_OF_PROTOBUF = range(19_000, 20_000)


@dataclass(frozen=True, slots=True)
class CommittedMessage:
    """A message as it stands, or an enum, whose values count as fields.

    Args:
        name: its name.
        numbers: of its fields, by name.
        columns: its fields' names by their columns, where it is a table; an enum's values' by their labels.
        reserved_numbers: ranges, the last number among them.
        reserved_names: names.

    """

    name: str = ""
    numbers: Mapping[str, int] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    reserved_numbers: Sequence[tuple[int, int]] = ()
    reserved_names: Sequence[str] = ()

    def numbered(self, names: Iterable[str]) -> dict[str, int]:
        """Return the fields' numbers: the old ones for those that had one, and for others the next."""
        last = max((0, *self.numbers.values(), *(high for _, high in self.reserved_numbers)))
        given = dict(self.numbers)
        for name in names:
            if name not in given:
                last = _OF_PROTOBUF.stop if last + 1 in _OF_PROTOBUF else last + 1
                given[name] = last
        return {name: given[name] for name in names}

    def reserved_without(self, names: Sequence[str]) -> tuple[list[tuple[int, int]], list[str]]:
        """Return the numbers and names to reserve where these fields are left; a name may be used again."""
        dropped = {name: number for name, number in self.numbers.items() if name not in names}
        numbers = sorted({*self.reserved_numbers, *((number, number) for number in dropped.values())})
        return numbers, sorted({*self.reserved_names, *dropped} - set(names))


def read_numbers(message: DescriptorProto) -> CommittedMessage:
    """Return the numbers of a message as it stands."""
    return CommittedMessage(
        name=message.name,
        numbers={one.name: one.number for one in message.field},
        # descriptor.proto: the end of a range is behind it.
        reserved_numbers=[(one.start, one.end - 1) for one in message.reserved_range],
        reserved_names=list(message.reserved_name),
    )
