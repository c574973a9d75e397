"""Connections to PostgreSQL: where the database is, how one is made, and what is set on it."""
