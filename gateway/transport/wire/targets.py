"""The bytes of paths and queries, in all versions of HTTP (RFC 3986, 3.3 and 3.4).

Others than visible ASCII are percent-encoded. `#` begins a fragment, which isn't sent to servers.
"""

import re

PATH_BYTE = rb"[\x21-\x22\x24-\x3e\x40-\x7e]"
"""What matches a byte of a path."""
QUERY_BYTE = rb"[\x21-\x22\x24-\x7e]"
"""What matches a byte of a query, or of a path with one."""
_PATH = re.compile(f"/{PATH_BYTE.decode()}*")
_QUERY = re.compile(f"{QUERY_BYTE.decode()}*")


def are_target(path: str, query: str) -> bool:
    """Whether path and query may be those of a URL; each character stands for a byte."""
    return _PATH.fullmatch(path) is not None and _QUERY.fullmatch(query) is not None
