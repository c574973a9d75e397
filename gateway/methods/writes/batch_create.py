"""BatchCreate: new rows, all or none (AIP-233)."""

from gateway.methods.engine import Engine
from gateway.methods.writes.create import Creating
from gateway.methods.writes.items import Batch
from gateway.schema.model import StandardMethod


class BatchCreate(Batch):
    """Answers the rows as stored, in the order of the requests.

    Rows that give values for the same fields are inserted together, by one statement; so a row may refer to
    another of its statement, or of one before it.
    """

    def __init__(self, method: StandardMethod, engine: Engine) -> None:
        super().__init__(method, engine, Creating(method.item or method, engine))
