"""Health and reflection: methods that every server has beside its schema's."""
