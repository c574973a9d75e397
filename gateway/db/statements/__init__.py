"""Statements of one call, over a connection of the pool: alone, in a transaction, as a cursor."""
