"""Statements of handlers' own: SQL, and sessions of SQLAlchemy's, in transactions of the gateway's pool."""
