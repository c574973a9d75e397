"""Another type for a column that others read and write: a new column is filled, and takes its place."""
