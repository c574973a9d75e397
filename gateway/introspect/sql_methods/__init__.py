"""SQL methods compared with the database: their parameters and columns, and what their queries touch."""

from gateway.introspect.sql_methods.check import with_queries

__all__ = ["with_queries"]
