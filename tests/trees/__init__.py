"""Tests of rows that are written with the rows that hold them."""
