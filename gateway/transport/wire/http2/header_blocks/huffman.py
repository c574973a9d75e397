"""Strings that Huffman's code was used for (RFC 7541, 5.2), decoded a byte at a time.

Clients write the ids of traces in it, which differ from call to call: for one of them hpack, which takes half
a byte at a time, needs twice as long.
"""

from hpack import HPACKDecodingError
from hpack.huffman_table import HUFFMAN_COMPLETE, HUFFMAN_EMIT_SYMBOL, HUFFMAN_FAIL, HUFFMAN_TABLE

Step = tuple[bytes, int, bool]
"""What a byte adds, the state after it, and whether the string may end there."""

_HALF = 16


class _Steps(dict[int, Step]):
    """What each byte does in each state, made of hpack's table of half bytes when it is first met."""

    def __missing__(self, key: int) -> Step:
        state, byte = divmod(key, 256)
        added, flags = bytearray(), 0
        for half in divmod(byte, _HALF):
            state, flags, symbol = HUFFMAN_TABLE[state * _HALF + half]
            if flags & HUFFMAN_FAIL:
                raise HPACKDecodingError("an end of string within a string")
            if flags & HUFFMAN_EMIT_SYMBOL:
                added.append(symbol)
        self[key] = step = bytes(added), state << 8, bool(flags & HUFFMAN_COMPLETE)
        return step


_STEPS = _Steps()


def decode_huffman(text: bytes) -> bytes:
    """Return what was coded; raises HPACKDecodingError."""
    steps, decoded, state, whole = _STEPS, bytearray(), 0, True
    for byte in text:
        added, state, whole = steps[state | byte]
        decoded += added
    if not whole:
        raise HPACKDecodingError("a string that is cut off")
    return bytes(decoded)
