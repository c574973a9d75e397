"""The workloads that are measured, one file a kind."""
