"""The filter language against PostgreSQL, judged by plain Python."""
