"""Metrics: what is counted, as plain figures that workers can add up, and the text that a scrape reads."""
