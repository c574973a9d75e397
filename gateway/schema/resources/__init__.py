"""Annotated messages → resources: fields, keys, indexes, checks and references."""
