"""Statements that change rows of a table: new ones, those of some keys, and those that a filter finds."""
