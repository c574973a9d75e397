"""Observation of the gateway: one record per call, and the log that shows it."""
