"""Sockets, HTTP/1.1 and HTTP/2: bytes to requests of HTTP, and their responses to bytes."""
