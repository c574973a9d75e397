"""Rows in, messages out."""
