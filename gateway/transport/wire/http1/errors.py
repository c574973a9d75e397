"""The error of a peer that doesn't speak HTTP/1.1 as it should."""


class BadRequest(Exception):  # noqa: N818 - HTTP's own name of it
    """Ends the connection, after a response that says why.

    Args:
        status: of HTTP; None where nothing says that the peer would understand a response.
        message: for the response's body.

    """

    def __init__(self, status: int | None, message: str) -> None:
        super().__init__(message)
        self.status = status
