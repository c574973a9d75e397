"""The way to PostgreSQL: pool, the one execute door, retries, transactions, bulk load."""
