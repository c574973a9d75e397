"""Schemas whose tables Citus spreads over nodes, on a cluster that the environment names."""
