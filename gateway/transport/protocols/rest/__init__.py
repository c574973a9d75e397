"""REST with JSON, by the routes that methods have from `google.api.http` (AIP-127)."""
