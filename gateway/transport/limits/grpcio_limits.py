"""The limits that grpc.aio can hold to; apart from it, as whoever tells them needn't import it."""

from gateway.config.settings import LimitSettings

_MAX_REQUEST_BYTES = 16 * 2**20
"""grpc.aio copies a request in one piece, for which it holds the event loop: 64 MiB for up to 0.2 s."""
_MAX_CONCURRENT_STREAMS = 100
"""Calls that come together are taken one by one, before anything is known of them, refusals too: whoever
comes behind them waits for all. So what a client has more waits there. RFC 9113, 6.5.2, advises no fewer."""


def bounded(limits: LimitSettings) -> LimitSettings:
    """Return the limits with none of requests and calls that is more than this transport can hold to."""
    most = {"max_request_bytes": _MAX_REQUEST_BYTES, "max_concurrent_streams": _MAX_CONCURRENT_STREAMS}
    return limits.model_copy(update={name: min(getattr(limits, name), held) for name, held in most.items()})
