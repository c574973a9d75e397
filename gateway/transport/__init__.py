"""Bytes in, bytes out: servers, interceptors, health, reflection."""
