"""Search: the rows that fit best what is searched for, in pages."""

from gateway.methods.engine import Engine
from gateway.methods.reads.list_rows import List
from gateway.methods.reads.searched_rows import SearchedRows
from gateway.schema.model import StandardMethod
from gateway.schema.services.searches import SearchMethod


class Search(List):
    """Answers a page of what was found and the token of the next, as List does of rows.

    Each page is found anew, among the rows as they are then.
    """

    def __init__(self, method: StandardMethod, engine: Engine) -> None:
        if not isinstance(method, SearchMethod):
            msg = f"{method!r} is no Search"
            raise TypeError(msg)
        super().__init__(method, engine, SearchedRows(method, engine))
