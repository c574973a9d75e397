"""Observation of the gateway: one record per call, and the logs, metrics and traces that show it."""
