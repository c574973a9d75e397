"""Rows by the thousand: COPY into their table where their keys are new, staged and merged where not."""
