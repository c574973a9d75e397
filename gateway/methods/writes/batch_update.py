"""BatchUpdate: changed rows, all or none (AIP-234)."""

from gateway.methods.engine import Engine
from gateway.methods.writes.items import Batch
from gateway.methods.writes.update import Updating
from gateway.schema.model import StandardMethod


class BatchUpdate(Batch):
    """Answers the rows as stored, in the order of the requests; each may have a mask of its own.

    Two updates of one row are refused (reason DUPLICATE_IN_BATCH).
    """

    def __init__(self, method: StandardMethod, engine: Engine) -> None:
        super().__init__(method, engine, Updating(method.item or method, engine))
