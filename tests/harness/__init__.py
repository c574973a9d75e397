"""What tests share: a real PostgreSQL, a real gateway on a socket, and a client of its own."""
