"""The composition root: the one place where the parts are put together."""

from gateway.app.gateway import Gateway

__all__ = ["Gateway"]
