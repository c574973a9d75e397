"""Filters and rules of rows → SQL conditions."""
