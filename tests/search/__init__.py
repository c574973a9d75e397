"""Searches, compared with SQL by hand."""
