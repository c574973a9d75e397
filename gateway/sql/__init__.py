"""Checked requests and the schema in, statements out. Nothing here opens a connection."""
