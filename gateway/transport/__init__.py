"""Transports: calls arrive and answers leave."""
