"""Protos: the sources of a schema, their elements with file and line, and their annotations."""
