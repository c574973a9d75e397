"""Rows of the gateway's own tables: request ids, watermarks of streams, and their clean-up."""
