"""Pages: the order of rows, and the tokens that say where the next ones start."""
