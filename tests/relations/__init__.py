"""Relations: rows that other rows hold, compared with joins by hand."""
