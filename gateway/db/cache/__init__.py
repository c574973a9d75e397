"""Rows that were read by key, kept for reads which need not be of the primary.

A row is kept with a position of the log that it has for sure. It answers reads that need no later one, until
its table's time is over. Writes of this process drop what they change; others are seen when the time is over.
"""
