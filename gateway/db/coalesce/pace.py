"""How many statements of a kind may be under way, and how many callers share one, learnt from the last."""

_USUAL_WEIGHT = 1 / 32
_TOLERANCE = 2.0
_STRONGEST_CUT = 0.5
_RECOVERY = 0.1
_LEAST_SHARED = 8


class Pace:
    """The bounds of one kind of statement, as they are now.

    The number under way follows a gradient: statements that take more than twice their usual time say that
    the database is loaded, and more of them at once would only wait there. So the limit is cut, to half at
    most, and grows back with every statement that takes its time. What is usual follows slowly, so a database
    that stays slow is given its lanes again.

    The number of rows is halved when a batch fails for one of its callers and is divided, which costs
    statements, and doubled again with every full batch that doesn't.

    Args:
        lanes: the most statements under way.
        max_batch: the most rows of a statement.

    """

    __slots__ = ("_lanes", "_max_batch", "_usual", "limit", "size")

    def __init__(self, lanes: int, max_batch: int) -> None:
        self._lanes = lanes
        self._max_batch = max_batch
        self._usual = 0.0
        self.limit = float(lanes)
        """How many statements may be under way; one more sets out below this number, rounded down."""
        self.size = max_batch
        """How many rows a statement may be for."""

    def took(self, seconds: float) -> None:
        """Note how long a statement took."""
        usual = self._usual or seconds
        cut = _TOLERANCE * usual / seconds if seconds > _TOLERANCE * usual else 1.0
        self.limit = min(self._lanes, max(1.0, self.limit * max(cut, _STRONGEST_CUT) + _RECOVERY))
        # One statement that hung says little of the usual.
        self._usual = usual + _USUAL_WEIGHT * (min(seconds, 4 * usual) - usual)

    def divided(self, rows: int) -> None:
        """Note that a batch of so many rows failed because of one of them."""
        self.size = min(self.size, max(_LEAST_SHARED, rows // 2))

    def went_well(self, rows: int) -> None:
        """Note that a batch of so many rows was carried out."""
        if rows >= self.size:
            self.size = min(self._max_batch, 2 * self.size)
