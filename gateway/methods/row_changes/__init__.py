"""Changes of rows, below the methods that write: many rows by one statement, the errors of single ones."""
