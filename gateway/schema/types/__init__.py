"""The type table: a proto field and its column options → how its values are stored.

One file per family of types, each found by its name; they stand side by side, as a new one is made after its
neighbours. `mapping.py` knows them all.
"""

from gateway.schema.types.mapping import value_type
from gateway.schema.types.sql_types import InvalidTypeError

__all__ = ["InvalidTypeError", "value_type"]
