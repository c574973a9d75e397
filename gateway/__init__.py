"""Rowgate: annotated protos in, a typed gRPC API over PostgreSQL out."""

__version__ = "0.1.0"
