"""Places that PostGIS keeps, compared with SQL by hand."""
