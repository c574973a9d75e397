"""Where the characters of methods' queries stand in their .proto files.

protoc tells the place of a whole option alone. So the string literals of queries are looked for in the files'
text, and their places are added to the descriptors' source info, below that of the option: of every run of
characters of one line that the query has as the file has them.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet, SourceCodeInfo
from rowgate.v1 import annotations_pb2

Run = tuple[int, int, int]
"""Of characters in one line: the line and the column of the first, both from 0, and how many they are."""

_FILE_SERVICE, _SERVICE_METHOD, _METHOD_OPTIONS = 6, 2, 4
_EXTENSION = annotations_pb2.DESCRIPTOR.extensions_by_name["method"].number
_SQL = annotations_pb2.MethodOptions.DESCRIPTOR.fields_by_name["sql"].number
_QUERY = annotations_pb2.SqlMethod.DESCRIPTOR.fields_by_name["query"].number
QUERY_PATH = (_METHOD_OPTIONS, _EXTENSION, _SQL, _QUERY, 0)
"""The path of the query's pieces, below its method's; protoc's own place of all of it has one number less."""

_TOKEN = re.compile(
    r"""
    (?P<space> \s+ | //[^\n]* | /\*.*?\*/ )
    | (?P<string> "(?: [^"\\\n] | \\. )*" | '(?: [^'\\\n] | \\. )*' )
    | (?P<word> \w+ )
    | .
    """,
    re.VERBOSE | re.DOTALL,
)
_RUN = re.compile(
    r"""
    (?P<escaped> \\ (?: [xX][0-9A-Fa-f]{1,2} | [0-7]{1,3} | u[0-9A-Fa-f]{4} | U[0-9A-Fa-f]{8} | .) )
    | [^\\]+
    """,
    re.VERBOSE | re.DOTALL,
)


def add_query_places(files: FileDescriptorSet, folder: Path) -> FileDescriptorSet:
    """Return the set with the places of all queries of the files in the folder."""
    for file in files.file:
        source = folder / file.name
        if file.service and source.is_file():
            text = source.read_text(errors="replace")
            if "query" in text:
                _add_to(file, text.split("\n"))
    return files


def _add_to(file: FileDescriptorProto, lines: list[str]) -> None:
    declared = [place for place in file.source_code_info.location if _is_method(tuple(place.path))]
    for place in declared:
        first, last = place.span[0], place.span[2] if len(place.span) > 3 else place.span[0]  # noqa: PLR2004
        for line, column, count in _runs("\n".join(lines[first : last + 1]), first):
            added: SourceCodeInfo.Location = file.source_code_info.location.add()
            added.path.extend([*place.path, *QUERY_PATH])
            added.span.extend([line, column, column + count])


def _is_method(path: tuple[int, ...]) -> bool:
    return path[::2] == (_FILE_SERVICE, _SERVICE_METHOD) and len(path) == 4  # noqa: PLR2004


def _runs(text: str, first_line: int) -> Iterator[Run]:
    """Yield the runs of the query of a method's text; none where it has none."""
    for literal in _literals(text):
        line = text.count("\n", 0, literal.start())
        before = text.rfind("\n", 0, literal.start()) + 1
        for run in _RUN.finditer(text, literal.start() + 1, literal.end() - 1):
            yield first_line + line, run.start() - before, 1 if run["escaped"] else len(run[0])


def _literals(text: str) -> Iterator[re.Match[str]]:
    """Yield the string literals of `sql`'s `query`, which stand one after the other."""
    words: list[str] = []
    for token in _TOKEN.finditer(text):
        if token.lastgroup == "string" and words[-1:] == ["query"] and "sql" in words:
            yield token
        elif token.lastgroup == "word":
            if words[-1:] == ["query"] and "sql" in words:
                return
            words.append(token[0])
