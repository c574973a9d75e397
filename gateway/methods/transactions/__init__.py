"""Transactions of calls: each step is a call of another method, and all of them are done or none."""
