"""Drift of a database from its schema: what differs, and what of it matters."""
