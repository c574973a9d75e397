"""Packages of others: they come as imports, and are served elsewhere or not at all."""

_FOREIGN = ("google.", "grpc.", "rowgate.")


def is_foreign(package: str) -> bool:
    """Whether the package's messages and services are not the schema author's."""
    return f"{package}.".startswith(_FOREIGN)
