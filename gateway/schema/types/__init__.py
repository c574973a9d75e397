"""The type table: a proto field and its column options → how its values are stored."""

from gateway.schema.types.mapping import value_type
from gateway.schema.types.sql_types import InvalidTypeError

__all__ = ["InvalidTypeError", "value_type"]
