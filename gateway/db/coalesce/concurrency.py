"""The concurrency of batches: how many may be under way, and how large, learnt from the last."""

from gateway.db.pool.adaptive_limit import Gradient
from gateway.db.pool.duration_forecast import Forecast

_LEAST_SHARED = 8


class BatchConcurrency(Gradient):
    """The bounds of one kind of statement, as they are now.

    The number under way follows a gradient, of the time that a statement for one row would have taken. The
    number of rows is halved when a batch fails for one of its callers and is divided, which costs statements,
    and doubled again with every full batch that doesn't.

    Args:
        maximum: the most statements under way.
        max_batch_size: the most rows of a statement.

    """

    __slots__ = ("_max_batch", "come_together", "forecast", "size")

    def __init__(self, maximum: int, max_batch_size: int) -> None:
        super().__init__(maximum)
        self._max_batch = max_batch_size
        self.size = max_batch_size
        """How many rows a statement may be for."""
        self.forecast = Forecast()
        self.come_together = False
        """Whether callers came together when nobody was there: the next ones are taken to do so, too."""

    def took(self, seconds: float, rows: int = 1) -> None:
        """Note how long a statement for so many rows took."""
        forecast = self.forecast
        expected = forecast.seconds(rows)
        super().took(seconds * forecast.seconds(1) / expected if expected else seconds)
        forecast.took(rows, seconds)

    def divided(self, rows: int) -> None:
        """Note that a batch of so many rows failed because of one of them."""
        self.size = min(self.size, max(_LEAST_SHARED, rows // 2))

    def went_well(self, rows: int) -> None:
        """Note that a batch of so many rows was carried out."""
        if rows >= self.size:
            self.size = min(self._max_batch, 2 * self.size)
