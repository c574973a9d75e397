"""Methods that write rows by the thousand: BulkUpsert, and Ingest, a stream of chunks."""
