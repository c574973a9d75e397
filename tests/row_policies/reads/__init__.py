"""What calls read beside rows of one table: groups, and rows of others."""
