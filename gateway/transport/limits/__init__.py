"""Limits of calls: how many, how often, how long, and whose turn it is."""
