"""Statements over rows in shards of Citus: what it can't carry out of PostgreSQL's, put otherwise."""
