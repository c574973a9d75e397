"""The time that a statement for many rows will take, learnt from those before it."""

_WEIGHT = 1 / 16
_LEAST_SPREAD = 0.01
"""Of the rows' mean square, below which they count as equal."""


class Forecast:
    """A line through the times of the last statements by their rows: so much for any, so much for each row.

    While all had as many rows, nothing is known of the line's slope, and each row is taken to cost as much as
    the first. So too few rows share a statement at first, and never too many.
    """

    __slots__ = ("_product", "_rows", "_seconds", "_square", "last", "last_rows")

    def __init__(self) -> None:
        self._rows = 0.0
        self._seconds = 0.0
        self._square = 0.0
        self._product = 0.0
        self.last = 0.0
        """The time of the last one; 0 before the first."""
        self.last_rows = 1

    def took(self, rows: int, seconds: float) -> None:
        """Note how long a statement for so many rows took."""
        weight = _WEIGHT if self.last else 1.0
        self.last, self.last_rows = seconds, rows
        self._rows += weight * (rows - self._rows)
        self._seconds += weight * (seconds - self._seconds)
        self._square += weight * (rows * rows - self._square)
        self._product += weight * (rows * seconds - self._product)

    def seconds(self, rows: int) -> float:
        """Return how long a statement for so many rows will take; 0 before the first."""
        fixed, each = self._line()
        return fixed + each * rows

    def rows_in(self, seconds: float) -> float:
        """Return how many rows a statement of so many seconds can be for."""
        fixed, each = self._line()
        return (seconds - fixed) / each if each else float("inf")

    def _line(self) -> tuple[float, float]:
        """Return the time of any statement, and of each row. Neither is less than nothing."""
        if not self._rows:
            return 0.0, 0.0
        most = self._seconds / self._rows
        spread = self._square - self._rows * self._rows
        if spread < _LEAST_SPREAD * self._square:
            return 0.0, most
        each = min(most, max(0.0, (self._product - self._rows * self._seconds) / spread))
        return self._seconds - each * self._rows, each
