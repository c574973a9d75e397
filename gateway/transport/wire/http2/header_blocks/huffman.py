"""Strings that Huffman's code was used for (RFC 7541, 5.2), decoded a byte at a time.

Clients write the ids of traces in it, which differ from call to call: for one of them hpack, which takes half
a byte at a time, needs several times as long.
"""

from hpack import HPACKDecodingError
from hpack.huffman_table import HUFFMAN_COMPLETE, HUFFMAN_EMIT_SYMBOL, HUFFMAN_FAIL, HUFFMAN_TABLE

Step = tuple[bytes, int, bool]
"""What a byte adds, the state after it, and whether the string may end there."""

_HALF = 16
_BYTES = 256
_BROKEN = 256
"""The state after what is no code, in which the string may not end; those of the code are before it."""
_STEPS: list[list[Step]] = [*([] for _ in range(_BROKEN)), [(b"", _BROKEN, False)] * _BYTES]
"""What each byte does in each state: made when the state is first met, as most never are."""


def decode_huffman(text: bytes) -> bytes:
    """Return what was coded; raises HPACKDecodingError."""
    steps, decoded, state, whole = _STEPS, bytearray(), 0, True
    for byte in text:
        added, state, whole = (steps[state] or _make(state))[byte]
        decoded += added
    if not whole:
        raise HPACKDecodingError("a string that is cut off, or no string")
    return bytes(decoded)


def _make(state: int) -> list[Step]:
    """Make the steps of a state, and return them."""
    steps = _STEPS[state]
    steps += (_step(state, byte) for byte in range(_BYTES))
    return steps


def _step(state: int, byte: int) -> Step:
    """Return what a byte does, made of hpack's table of half bytes."""
    added, flags = bytearray(), 0
    for half in divmod(byte, _HALF):
        state, flags, symbol = HUFFMAN_TABLE[state * _HALF + half]
        if flags & HUFFMAN_FAIL:
            return b"", _BROKEN, False
        if flags & HUFFMAN_EMIT_SYMBOL:
            added.append(symbol)
    return bytes(added), state, bool(flags & HUFFMAN_COMPLETE)
