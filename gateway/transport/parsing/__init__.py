"""Requests from bytes to messages; large ones are weighed first, and read in slices."""
