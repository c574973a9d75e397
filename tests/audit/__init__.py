"""Tests of the audit of changes: who changed which row, by which method and request."""
