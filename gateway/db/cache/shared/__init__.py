"""Rows that several gateways keep together, in Redis or Valkey.

It is asked for what a process hasn't kept, and filled with what was read then. Nothing there is trusted: what
is kept is sealed, with the position of the log that it has. Nobody waits for it twice: where it doesn't
answer in time it counts as empty until it does.
"""
