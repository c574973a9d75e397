"""Requests that are cheap to send and dear to read, and what they may cost."""
