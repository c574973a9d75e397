"""Header blocks: HPACK (RFC 7541), with a memory of what was read before."""
