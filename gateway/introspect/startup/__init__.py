"""At start: a database that can't serve the schema isn't served, and what is slow or withheld is told."""
