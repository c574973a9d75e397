"""Resources in several tables."""
