"""Names of database roles."""


def role_name(text: str) -> str:
    """Return the name of a database role; raises ValueError for what is none."""
    if not 0 < len(text.encode()) < 64 or "\0" in text:  # noqa: PLR2004 - NAMEDATALEN
        raise ValueError("is no name of a role: 1 to 63 bytes")
    if text == "none":
        raise ValueError('"none" is PostgreSQL\'s word for the role that logged in')
    return text
