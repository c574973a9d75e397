"""Messages as JSON text, by orjson: the codec of the protocols whose callers speak JSON."""

from gateway.transport.protocols.json.reader import json_reader
from gateway.transport.protocols.json.writer import json_writer

__all__ = ["json_reader", "json_writer"]
