"""`rowgate serve` as several processes: a supervisor, and workers that serve at its word."""
