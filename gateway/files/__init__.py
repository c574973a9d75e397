"""Small files that operators write: read within bounds, and read anew where they have changed."""
