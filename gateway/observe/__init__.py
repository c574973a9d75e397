"""What happened, as records: logs today."""
