"""Rowgate beside what a team would write by hand: `make bench`."""
