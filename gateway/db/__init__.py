"""The way to PostgreSQL: pool, the one query executor, retries, transactions, bulk load."""
