"""What the gateway tells of itself: one record per call, and the log that shows it."""
