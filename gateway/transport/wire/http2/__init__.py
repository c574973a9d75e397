"""HTTP/2 in the event loop (RFC 9113): connections, frames, header blocks, streams and their windows."""
