"""Statements that read rows: by key, in an order, with rows of other tables, or computed of groups."""
