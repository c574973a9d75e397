"""Who calls: credentials, and the principals that they stand for."""
