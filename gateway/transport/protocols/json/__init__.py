"""JSON text as messages: the codec of the protocols whose callers speak JSON reads by it."""

from gateway.transport.protocols.json.reader import json_reader

__all__ = ["json_reader"]
