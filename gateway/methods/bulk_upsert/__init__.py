"""BulkUpsert: many rows inserted or updated by key, each with an outcome."""

from gateway.methods.bulk_upsert.handler import BulkUpsert

__all__ = ["BulkUpsert"]
