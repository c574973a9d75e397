"""Etags: a row's version as the opaque string that clients send back (AIP-154).

That of a row which was read without some of its values tells which, by their fields' numbers: a client that
kept nothing but the etag may not erase them either (gateway.request.unreadable).
"""

import re
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from gateway.errors import InvalidArgument
from gateway.request.keys import below
from gateway.schema.model import Resource

# Quotes are part of a strong entity tag (RFC 9110, section 8.8.3).
_FORM = re.compile(r'"v(0|-?[1-9][0-9]{0,18})(?:;([1-9][0-9]{0,8}(?:,[1-9][0-9]{0,8})*))?"')


def etag_of(version: int, without: Sequence[int] = ()) -> str:
    """Return the etag of a row at `version`, read without the fields of some numbers."""
    return f'"v{version};{",".join(map(str, without))}"' if without else f'"v{version}"'


def version_of(etag: str, path: str = "etag") -> int:
    """Return the version that an etag stands for.

    Raises InvalidArgument naming `path` (reason INVALID_ETAG) for a string that `etag_of` never returned.
    """
    match = _FORM.fullmatch(etag)
    if match is None:
        raise InvalidArgument.field(
            path, "is no etag of this service: send one as it was read", reason="INVALID_ETAG"
        )
    return int(match[1])


def left_out_of(etag: str) -> frozenset[int]:
    """Return the numbers of the fields without which its row was read; none of what is no etag."""
    match = _FORM.fullmatch(etag) if ";" in etag else None
    return frozenset(map(int, match[2].split(","))) if match is not None else frozenset()


def row_expectation(resource: Resource) -> Callable[[Message, str], int | None] | None:
    """Return what reads the version that a row's message expects: (message, its proto path) → version.

    It reads the etag, else the version itself. None of a resource without either.
    """
    if resource.version is None:
        return None
    if resource.etag is not None:
        name, etag = resource.etag, sent_value(resource.message.fields_by_name[resource.etag])
        return lambda message, path: of_etag(etag(message), below(path, name))
    version = sent_value(resource.by_column[resource.version].descriptor)
    return lambda message, _: of_version(version(message))


def sent_value(field: FieldDescriptor) -> Callable[[Any], Any]:
    """Return the function that reads a field of a message; None where it is unset, whatever its default."""
    name = field.name
    if not field.has_presence:
        return attrgetter(name)
    return lambda message: getattr(message, name) if message.HasField(name) else None


def of_etag(text: str | None, path: str) -> int | None:
    """Return the version of an etag that was sent, if one was; raises InvalidArgument for what is none."""
    return version_of(text, path) if text else None


def of_version(number: int | None) -> int | None:
    """Return a version that was sent; None where none was."""
    return number or None
