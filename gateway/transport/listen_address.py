"""The error and the warning of addresses that are listened on."""

import logging

from gateway.config.address import Address

_logger = logging.getLogger(__name__)


def cannot_listen(address: Address) -> OSError:
    """Return the error of an address that can't be had."""
    return OSError(f"can't listen on {address}: is the port taken, or the address not this machine's?")


def warn_if_open(address: Address) -> None:
    """Log that an address without TLS can be reached from other machines, where it can."""
    if not address.is_local:
        _logger.warning("listening beyond this machine without TLS", extra={"address": str(address)})
