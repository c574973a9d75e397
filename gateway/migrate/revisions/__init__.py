"""Revisions: the files of a migrations folder, written from a plan, and run in order."""
