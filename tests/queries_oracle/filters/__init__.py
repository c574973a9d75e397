"""Filters, drawn from what docs/filters.md has, each with the SQL that means the same."""
