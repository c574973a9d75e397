"""A bounded memory of what was found out lately."""

from typing import Generic, TypeVar

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Remembered(Generic[_Key, _Value]):
    """Values by keys. What is asked for stays; of the rest goes what came before `most` others.

    Two dictionaries take turns, which costs less than to move each key that is asked for to the end of one.

    Args:
        most: values that are kept for sure; up to twice as many are held.

    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._young: dict[_Key, _Value] = {}
        self._old: dict[_Key, _Value] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, key: _Key) -> _Value | None:
        """Return a value; None for a key that isn't remembered."""
        value = self._young.get(key)
        if value is None and (value := self._old.pop(key, None)) is not None:
            self.add(key, value)
        return value

    def add(self, key: _Key, value: _Value) -> None:
        """Remember a value."""
        if len(self._young) >= self._most:
            self._old, self._young = self._young, {}
        self._young[key] = value

    def clear(self) -> None:
        """Forget all."""
        self._young, self._old = {}, {}
