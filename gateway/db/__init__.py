"""The way to PostgreSQL: the one query executor, and the folders that it is made of."""
