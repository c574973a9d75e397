"""The catalogue of dear requests: what is sent, and how it may be answered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from tests.dear.wire import field, filled, varint

BOOKS, RICHES = "books.v1.BookService", "types.v1.RichService"
OK = "OK"
_PART = 30_000


@dataclass(frozen=True, slots=True)
class Dear:
    """A request.

    Args:
        method: `package.Service/Method`.
        body: makes its bytes, of about so many.
        answers: the reasons that it may be refused with; OK where it is answered.
        packed: whether it is sent compressed, so that a thousandth goes over the wire.

    """

    method: str
    body: Callable[[int], bytes]
    answers: Sequence[str]
    packed: bool = True

    @property
    def schema(self) -> str:
        """The schema that has its method."""
        return self.method.partition(".")[0]


def _book(content: bytes) -> bytes:
    return field(1, content)


def _parts(make: Callable[[bytes], bytes], element: bytes, size: int) -> bytes:
    """Return rows, each of which is parsed at once, with elements inside."""
    return filled(make(filled(element, _PART)), size)


def _whole(make: Callable[[bytes], bytes], element: bytes, size: int) -> bytes:
    return make(filled(element, size - 64))


def _nested(depth: int, number: int) -> bytes:
    content = b""
    for _ in range(depth):
        content = field(number, content)
    return content


def _valid_books(size: int) -> bytes:
    count = min(size // 160, 100_000)
    rows = (field(1, b"%09d" % i) + field(2, b"t" * 100) + b"\x18\x07" for i in range(count))
    return b"".join(map(_book, rows))


def _large_books(size: int) -> bytes:
    cover = field(6, bytes(1024 * 1024))
    return b"".join(_book(field(1, b"%09d" % i) + cover) for i in range(size // (len(cover) + 64)))


def _rich_rows(content: bytes, size: int) -> bytes:
    count = max(size // (len(content) + 8), 1)
    return b"".join(field(1, b"\x08" + varint(i) + content) for i in range(1, count + 1))


def _rich(number: int, content: bytes) -> bytes:
    return field(1, b"\x08\x01" + field(number, content))


def _rich_row(number: int, content: bytes, key: int = 1) -> bytes:
    return field(1, b"\x08" + varint(key) + field(number, content))


def _chains(size: int) -> bytes:
    """Return parts that hold each other, as deep as a document may be."""
    return filled(field(2, _nested(85, 2)), size)


def _bad_rows(size: int) -> bytes:
    count = min(size // 640, 100_000)
    return b"".join(_rich_row(20, b"x", i) for i in range(1, count + 1)) + _PARTIAL


_PARTIAL = b"\x30\x01"
"""partial_failure of a bulk upsert."""
_DIGITS = "1" * 3999
_VALUE = field(1, b"\x08\x00")
"""google.protobuf.ListValue with a null."""
_TOO_MUCH = ("TOO_MANY_ELEMENTS", "ROW_TOO_LARGE")
_BULK, _CREATE, _LIST = f"{BOOKS}/BulkUpsertBooks", f"{BOOKS}/CreateBook", f"{BOOKS}/ListBooks"
_CREATE_RICH, _BULK_RICH = f"{RICHES}/CreateRich", f"{RICHES}/BulkUpsertRiches"

CATALOGUE: dict[str, Dear] = {
    "empty rows": Dear(_BULK, partial(filled, b"\x0a\x00"), ("TOO_MANY_ROWS",)),
    "empty rows, not compressed": Dear(_BULK, partial(filled, b"\x0a\x00"), ("TOO_MANY_ROWS",), packed=False),
    "empty rows with tags in three bytes": Dear(
        _BULK, partial(filled, b"\x8a\x80\x00\x00"), ("TOO_MANY_ROWS",)
    ),
    "one row of empty strings": Dear(_BULK, partial(_whole, _book, b"\x42\x00"), _TOO_MUCH),
    "rows of empty strings": Dear(_BULK, partial(_parts, _book, b"\x42\x00"), _TOO_MUCH),
    "one row's field, over and over": Dear(_CREATE, partial(_whole, _book, b"\x18\x01"), _TOO_MUCH),
    "one row, over and over": Dear(_CREATE, partial(filled, b"\x0a\x00"), _TOO_MUCH),
    "a key, over and over": Dear(f"{BOOKS}/GetBook", partial(filled, b"\x0a\x01p"), _TOO_MUCH),
    "keys": Dear(f"{BOOKS}/BatchGetBooks", partial(filled, b"\x0a\x00"), _TOO_MUCH),
    "numbers as keys": Dear(
        f"{RICHES}/BatchGetRiches", partial(_whole, partial(field, 1), b"\x01"), _TOO_MUCH
    ),
    "unknown numbers": Dear(_BULK, partial(filled, b"\x78\x01"), _TOO_MUCH),
    "unknown groups": Dear(_BULK, partial(filled, b"\x7b\x7c"), _TOO_MUCH),
    "groups that don't end": Dear(_BULK, partial(filled, b"\x7b"), ("REQUEST_MALFORMED", *_TOO_MUCH)),
    "unknown fields in rows": Dear(
        _BULK, partial(_parts, _book, b"\x78\x01"), ("UNKNOWN_FIELDS", *_TOO_MUCH)
    ),
    "paths of a mask": Dear(f"{BOOKS}/GetBook", partial(_whole, partial(field, 2), b"\x0a\x01a"), _TOO_MUCH),
    "masks": Dear(
        f"{BOOKS}/GetBook", partial(_parts, partial(field, 2), b"\x0a\x01a"), (*_TOO_MUCH, "TOO_MANY_PATHS")
    ),
    "parentheses": Dear(
        _LIST, partial(_whole, partial(field, 3), b"("), ("ROW_TOO_LARGE", "FILTER_TOO_LONG")
    ),
    "a wide text": Dear(
        _CREATE,
        lambda size: _book(field(1, b"w") + field(2, "😀".encode() + b"x" * min(size - 99, 16_000_000))),
        (OK, "ROW_TOO_LARGE"),
    ),
    "an order": Dear(
        _LIST, partial(_whole, partial(field, 4), b"isbn,"), ("ROW_TOO_LARGE", "INVALID_ORDER_BY")
    ),
    "a token": Dear(_LIST, partial(_whole, partial(field, 2), b"A"), ("ROW_TOO_LARGE", "INVALID_PAGE_TOKEN")),
    "valid rows": Dear(_BULK, _valid_books, (OK,)),
    "valid rows, sent again": Dear(_BULK, _valid_books, (OK,)),
    "parts in a part": Dear(_CREATE_RICH, partial(_whole, partial(_rich, 26), b"\x12\x00"), _TOO_MUCH),
    "empty maps' entries": Dear(
        _CREATE_RICH, partial(_whole, lambda c: field(1, c), b"\xfa\x01\x00"), _TOO_MUCH
    ),
    "lists of nothing": Dear(_CREATE_RICH, partial(_whole, partial(_rich, 29), _VALUE), _TOO_MUCH),
    "packed numbers": Dear(_CREATE_RICH, partial(_whole, partial(_rich, 36), b"\x01"), _TOO_MUCH),
    "packed numbers in rows": Dear(
        f"{RICHES}/BulkUpsertRiches",
        lambda size: _rich_rows(field(36, b"\x01" * 60_000), size),
        (OK, *_TOO_MUCH),
    ),
    "documents in rows": Dear(
        f"{RICHES}/BulkUpsertRiches",
        lambda size: _rich_rows(field(29, _VALUE * 12_000), size),
        (OK, *_TOO_MUCH),
    ),
    "deep messages": Dear(
        f"{RICHES}/BulkUpsertRiches",
        partial(filled, field(1, field(26, _nested(90, 2)))),
        (OK, *_TOO_MUCH, "TOO_MANY_ROWS", "INVALID_JSON", "DUPLICATE_IN_REQUEST"),
    ),
    "JSON as text": Dear(
        _CREATE_RICH,
        lambda size: _rich(21, b"[" + b"[]," * (min(size, 16_000_000) // 3 - 9) + b"1]"),
        ("TOO_MANY_ELEMENTS", "TOO_LONG", "ROW_TOO_LARGE"),
    ),
    "a number's exponent": Dear(_CREATE_RICH, lambda _: _rich(20, b"1e999999999"), ("INVALID_NUMBER",)),
    "a number's digits": Dear(
        _CREATE_RICH, partial(_whole, partial(_rich, 20), b"9"), ("INVALID_NUMBER", "ROW_TOO_LARGE")
    ),
    "a decimal's exponent": Dear(
        _CREATE_RICH, lambda _: _rich(5, field(1, b"1e999999999")), ("INVALID_NUMBER",)
    ),
    "digits that are no number": Dear(
        _CREATE_RICH, lambda _: _rich(5, field(1, b"9" * 147_000 + b"x")), ("INVALID_NUMBER",)
    ),
    "exponents": Dear(_BULK_RICH, lambda _: _rich_rows(field(5, field(1, b"1e131071")), 300_000), (OK,)),
    "a page of exponents": Dear(f"{RICHES}/ListRiches", lambda _: b"\x08\xe8\x07", (OK,)),
    "decimals of all their digits": Dear(
        _BULK_RICH, lambda size: _rich_rows(field(5, field(1, b"9" * 131_072)), size // 4), (OK,)
    ),
    "digits in JSON": Dear(
        _BULK_RICH, lambda _: _rich_row(22, f"[{','.join([_DIGITS] * 1000)}]".encode()), (OK, "ROW_TOO_LARGE")
    ),
    "exponents in JSON": Dear(
        _BULK_RICH, lambda _: _rich_row(22, b"[1e1000" + b",1e1000" * 90_000 + b"]"), ("TOO_MANY_ELEMENTS",)
    ),
    "escapes in JSON": Dear(
        _BULK_RICH, lambda _: _rich_row(22, b'"-0' + b"\\\\" * 2_000_000 + b'"'), (OK, "ROW_TOO_LARGE")
    ),
    "addresses": Dear(_BULK_RICH, lambda _: field(1, b"\x08\x01" + field(53, b"::") * 14_000), (OK,)),
    "deep rows": Dear(_BULK_RICH, lambda size: _rich_rows(field(26, _chains(_PART)), size // 50), (OK,)),
    "a deep row": Dear(_BULK_RICH, lambda _: _rich_row(26, _chains(_PART)), (OK,)),
    "a list below a long name": Dear(
        _BULK_RICH,
        lambda _: _rich_row(27, field(1, field(1, b"k" * 200_000) + field(2, field(6, _VALUE * 5_000)))),
        (OK,),
    ),
    "a row that is dear to show": Dear(f"{RICHES}/GetRich", lambda _: b"\x08\x01", (OK,)),
    "bad rows": Dear(_BULK_RICH, _bad_rows, (OK,)),
    "large rows that are stored": Dear(_BULK, _large_books, (OK,)),
    "a page of large rows": Dear(f"{BOOKS}/ListBooks", lambda _: b"\x08\xe8\x07", (OK,)),
    "documents in rows that are stored": Dear(
        f"{RICHES}/BulkUpsertRiches",
        lambda size: _rich_rows(field(29, _VALUE * 500), size // 32),
        (OK,),
    ),
    "a page of documents": Dear(f"{RICHES}/ListRiches", lambda _: b"\x08\xe8\x07", (OK,)),
    "documents by their keys": Dear(
        f"{RICHES}/BatchGetRiches", lambda _: field(1, b"".join(map(varint, range(1, 200)))), (OK,)
    ),
    "a batch of documents": Dear(
        f"{RICHES}/BatchCreateRiches",
        lambda size: b"".join(
            field(1, field(1, b"\x08" + varint(i) + field(29, _VALUE * 500)))
            for i in range(100_000, 100_000 + size // 64 // 2_100)
        ),
        (OK,),
    ),
}
