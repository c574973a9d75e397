"""Tables as records: as the catalog has them, and as PostgreSQL would hold the schema's."""
