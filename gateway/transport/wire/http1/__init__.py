"""HTTP/1.1 and 1.0 in the event loop, parsed by llhttp (RFC 9110, RFC 9112)."""
