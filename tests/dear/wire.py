"""Protobuf's wire form, written by hand: what no client's library would send."""


def varint(number: int) -> bytes:
    """Return a number's bytes."""
    written = bytearray()
    while number > 127:
        written.append(number & 127 | 128)
        number >>= 7
    return bytes([*written, number])


def field(number: int, content: bytes) -> bytes:
    """Return a field that holds bytes."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def filled(element: bytes, size: int) -> bytes:
    """Return an element over and over, in at most so many bytes."""
    return element * (size // len(element))
