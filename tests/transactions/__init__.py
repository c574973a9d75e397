"""Several calls in one transaction."""
