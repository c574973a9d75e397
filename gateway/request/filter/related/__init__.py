"""Filters that reach other tables by relations: the way there, and what holds of the rows."""
