"""An adaptive limit of concurrency, learnt from the time that what is limited takes."""

_TOLERANCE = 2.0
_STRONGEST_CUT = 0.5
_RECOVERY = 0.1


class Gradient:
    """A limit that follows a gradient.

    Work that takes more than twice its usual time says that the database is loaded, and more of it at once
    would only wait there. So the limit is cut, to half at most, and grows back with all that takes its time.
    What is usual follows slowly, so a database that stays slow is given its work again.

    Args:
        most: the highest limit, where it begins.
        smoothing: the weight of the last time in the recent ones; 1 compares each time by itself.
        memory: the weight of the recent times in the usual one.
        memory_of_second: the same, for each second that the last of them took, where that is more: of what
            takes seconds few come, and to follow them by their number would take an hour.

    """

    __slots__ = ("_memory", "_memory_of_second", "_most", "_smoothing", "limit", "recent", "usual")

    def __init__(
        self, most: int, *, smoothing: float = 1.0, memory: float = 1 / 32, memory_of_second: float = 0.0
    ) -> None:
        self._most = most
        self._smoothing = smoothing
        self._memory = memory
        self._memory_of_second = memory_of_second
        self.recent = 0.0
        self.usual = 0.0
        self.limit = float(most)
        """So much may be under way, rounded down."""

    def took(self, seconds: float) -> None:
        """Note how long something took."""
        usual = self.usual or seconds
        recent = self.recent
        # Written out, as every statement passes here: calls of min and max took half of its time.
        self.recent = recent = recent + self._smoothing * (seconds - recent) if recent else seconds
        if recent > _TOLERANCE * usual:
            cut = max(_STRONGEST_CUT, _TOLERANCE * usual / recent)
            self.limit = min(self._most, max(1.0, self.limit * cut + _RECOVERY))
        elif self.limit < self._most:
            self.limit = min(self._most, self.limit + _RECOVERY)
        memory = self._memory_of_second * seconds
        memory = min(memory, self._smoothing) if memory > self._memory else self._memory
        # One that hung says little of the usual.
        self.usual = usual + memory * (recent - usual if recent < 4 * usual else 3 * usual)
