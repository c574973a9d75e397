"""Edits of a .proto file's text at the places of its elements: whatever isn't edited stays byte for byte."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto

Path = tuple[int, ...]
"""Of an element, as SourceCodeInfo has it: numbers of descriptor.proto's fields, and indexes."""

# protoc counts columns so: https://protobuf.com/docs/descriptors#source-code-info
_TAB = 8

# FieldDescriptorProto: options, and json_name, which is written among them.
_OPTIONS = FieldDescriptorProto.OPTIONS_FIELD_NUMBER
_IN_BRACKETS = ((_OPTIONS,), (FieldDescriptorProto.JSON_NAME_FIELD_NUMBER,))


class Place(NamedTuple):
    """Where something stands: offsets in bytes, the end behind it."""

    start: int
    end: int


class Edits:
    """The text of a file, to be edited; `str()` is what becomes of it.

    Args:
        text: the file's.
        file: its descriptor, with places.

    """

    def __init__(self, text: str, file: FileDescriptorProto) -> None:
        self._text = text.encode()
        self._is_crlf = "\r\n" in text and text.count("\r\n") == text.count("\n")
        self._lines = [0, *(at + 1 for at, byte in enumerate(self._text) if byte == ord("\n"))]
        self._spans = _spans(file)
        self._edits: list[tuple[Place, bytes]] = []

    def __str__(self) -> str:
        text, last = b"", 0
        # Sorting is stable: texts that are put at one place stay in their order.
        for place, new in sorted(self._edits, key=lambda edit: edit[0]):
            text += self._text[last : max(last, place.start)] + new
            last = max(last, place.end)
        return (text + self._text[last:]).decode()

    def places(self, path: Path) -> list[Place]:
        """Return where an element stands; an option or `reserved` may be said at several places."""
        return [self._place(span) for span in self._spans.get(path, ())]

    def options(self, path: Path) -> list[Place]:
        """Return where an option is said: whole, or value by value, however deep."""
        inside = [one for one in self._spans if one[: len(path)] == path]
        return _whole({place for one in inside for place in self.places(one)})

    def has_others(self, path: Path, option: Path) -> bool:
        """Return whether something below a path is said that isn't of one option."""
        inside = (one for one in self._spans if one[: len(path)] == path and len(one) > len(path))
        return any(one[: len(option)] != option for one in inside)

    def statements(self, path: Path, option: Path) -> list[str]:
        """Return the texts of a field's options, but for one option."""
        at = len(path)
        inside = [one for one in self._spans if one[:at] == path and one[at : at + 1] in _IN_BRACKETS]
        others = [one for one in inside if len(one) > at + 1 or one[-1] != _OPTIONS]
        places = {place for one in others for place in self.places(one) if one[: len(option)] != option}
        return [self.said(place) for place in _whole(places)]

    def said(self, place: Place) -> str:
        """Return the text at a place."""
        return self._text[place.start : place.end].decode()

    def comment(self, path: Path) -> Place:
        """Return the place of the comment lines right above an element, which may be none."""
        start = self._line_start(self.places(path)[0].start)
        return Place(self._above(start), start)

    def replace(self, place: Place, text: str) -> None:
        """Put a text where another stands, with the line ends of the file."""
        lines = text.replace("\r\n", "\n")
        new = lines.replace("\n", "\r\n") if self._is_crlf else lines
        self._edits.append((place, new.encode()))

    def insert_line(self, place: Place, text: str) -> None:
        """Put a line above the one where something begins."""
        start = self._line_start(place.start)
        self.replace(Place(start, start), f"{text}\n")

    def insert_above(self, path: Path, text: str) -> None:
        """Put lines above an element, and above the comment lines that are its own."""
        start = self.comment(path).start
        self.replace(Place(start, start), text)

    def insert_after(self, place: Place, text: str) -> None:
        """Put a line below the one where something ends."""
        end = self._line_end(place.end)
        self.replace(Place(end, end), f"{text}\n")

    def append_inside(self, path: Path, text: str) -> None:
        """Put lines at the end of what stands in an element's braces."""
        brace = self.places(path)[0].end - 1
        start = self._line_start(brace)
        if self._text[start:brace].strip():
            self.replace(Place(brace, brace), f"\n{text}\n")
        else:
            self.replace(Place(start, start), f"{text}\n")

    def append(self, text: str) -> None:
        """Put lines at the end of the file, below an empty one."""
        end, is_ended = len(self._text), self._text.endswith(b"\n")
        self.replace(Place(end, end), "\n" * (1 if is_ended else 2) + f"{text}\n")

    def remove(self, path: Path) -> None:
        """Take an element away, with the comments that are its own."""
        self._remove(self.places(path)[0], self.comment(path).start)

    def remove_statement(self, place: Place) -> None:
        """Take away what stands at a place, with its line where nothing else stands there."""
        self._remove(place, self._line_start(place.start))

    def _remove(self, place: Place, above: int) -> None:
        start, end = self._line_start(place.start), self._line_end(place.end)
        after = self._text[place.end : end].strip()
        if self._text[start : place.start].strip() or not (after == b"" or after.startswith((b"//", b"/*"))):
            self.replace(place, "")
            return
        # Of two empty lines around it one goes too, and one before a closing brace.
        is_blank_before = above > 0 and not self._text[self._line_start(above - 1) : above].strip()
        following = self._text[end : self._line_end(end)].strip()
        if is_blank_before and following in (b"", b"}"):
            above = self._line_start(above - 1)
        self.replace(Place(above, end), "")

    def _place(self, span: Sequence[int]) -> Place:
        line, column, *last = span
        end_line, end_column = (line, last[0]) if len(last) == 1 else last
        return Place(self._offset(line, column), self._offset(end_line, end_column))

    def _offset(self, line: int, column: int) -> int:
        at, seen = self._lines[line], 0
        while seen < column:
            seen += _TAB - seen % _TAB if self._text[at] == ord("\t") else 1
            at += 1
        return at

    def _line_start(self, at: int) -> int:
        return self._text.rfind(b"\n", 0, at) + 1

    def _line_end(self, at: int) -> int:
        """Return where the next line begins."""
        return self._text.find(b"\n", at) + 1 or len(self._text)

    def _above(self, start: int) -> int:
        """Return where the comment begins that ends at a line's start; that start where there is none."""
        while start:
            line = self._line_start(start - 1)
            text = self._text[line:start].strip()
            if text.endswith(b"*/") and not text.startswith(b"//"):
                opened = self._text.rfind(b"/*", 0, start)
                line = self._line_start(opened)
                if self._text[line:opened].strip():
                    return start
            elif not text.startswith(b"//"):
                return start
            start = line
        return start


def _spans(file: FileDescriptorProto) -> Mapping[Path, list[Sequence[int]]]:
    found: defaultdict[Path, list[Sequence[int]]] = defaultdict(list)
    for location in file.source_code_info.location:
        found[tuple(location.path)].append(location.span)
    return dict(found)


def _whole(places: Collection[Place]) -> list[Place]:
    """Return places in order, without those inside of others."""
    return sorted(one for one in places if not any(_holds(other, one) for other in places))


def _holds(outer: Place, inner: Place) -> bool:
    return outer != inner and outer.start <= inner.start and inner.end <= outer.end
