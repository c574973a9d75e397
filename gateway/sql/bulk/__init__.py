"""The statements of bulk upserts, as text: SQLAlchemy has no MERGE."""
