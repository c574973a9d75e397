"""Locks: one migration at a time, and short waits for the tables of others."""
