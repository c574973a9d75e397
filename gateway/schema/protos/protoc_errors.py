"""Errors of protoc as diagnostics: without those that follow from another, and with what would be right."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from rowgate.v1 import annotations_pb2

from gateway.schema.diagnostics import Diagnostic, near, suggestion

_LINE = re.compile(r"^(?P<file>.+?\.proto):(?:(?P<line>\d+):\d+:)? (?P<text>.*)$")
_NOT_DEFINED = re.compile(r'^"(?P<name>[\w.]+)" is not defined\.$')
_IMPORT = re.compile(r'^Import "(?P<file>.+)" was not found or had errors\.$')
_UNKNOWN_OPTION = re.compile(
    r'^Option "\((?P<name>[\w.]+)\)(?:\.(?P<field>\w+)[\w.]*)?" unknown\.(?P<advice>.*)$'
)
_NO_FIELD = re.compile(r'Message type "(?P<message>rowgate\.[\w.]+)" has no field named "(?P<name>\w+)"')
_DECLARED = re.compile(r"^\s*(?:message|enum)\s+(\w+)", re.MULTILINE)
_SCALARS = (
    *("bool", "bytes", "double", "float", "string", "fixed32", "fixed64", "sfixed32", "sfixed64"),
    *("int32", "int64", "sint32", "sint64", "uint32", "uint64"),
)


def protoc_diagnostics(text: str, folders: Sequence[Path]) -> list[Diagnostic]:
    """Return what one run of protoc wrote, with files as imports have them.

    Args:
        text: what it wrote.
        folders: where files are found: the schema's own, then those of what comes with Rowgate.

    """
    matches = [match for match in map(_LINE.match, text.splitlines()) if match]
    diagnostics = [
        _told(
            Diagnostic(_relative(match["file"], folders), int(match["line"] or 0), "", match["text"]), folders
        )
        for match in matches
        if not match["text"].startswith("warning:")
    ]
    placed = [diagnostic for diagnostic in diagnostics if diagnostic.line]
    return placed or diagnostics or [Diagnostic("", 0, "protoc", text.strip())] * bool(text)


def first_causes(diagnostics: Iterable[Diagnostic], folder: Path) -> list[Diagnostic]:
    """Return the diagnostics without those that follow from others.

    A file with an error gives none of its names to those that import it: neither the import nor those names
    are wrong. A name that isn't there is told once for each file.

    Args:
        diagnostics: of all runs.
        folder: the schema's, in which its files are.

    """
    every = sorted(set(diagnostics))
    wrong = {one.file for one in every}
    own = [one for one in every if not _is_of_wrong_import(one, wrong)]
    withheld = {file: set(_names_of_wrong_imports(file, every, wrong, folder)) for file in wrong}
    first = [one for one in own if not withheld[one.file].intersection(_undefined(one))]
    return list(_once(first or every))


def _is_of_wrong_import(diagnostic: Diagnostic, wrong: Collection[str]) -> bool:
    match = _IMPORT.match(diagnostic.wrong)
    return match is not None and match["file"] in wrong


def _names_of_wrong_imports(
    file: str, diagnostics: Iterable[Diagnostic], wrong: Collection[str], folder: Path
) -> Iterator[str]:
    """Yield what the wrong files that a file imports declare, as far as a search tells that."""
    for one in diagnostics:
        if one.file == file and (match := _IMPORT.match(one.wrong)) and match["file"] in wrong:
            yield from _DECLARED.findall((folder / match["file"]).read_text(encoding="utf-8"))


def _undefined(diagnostic: Diagnostic) -> list[str]:
    match = _NOT_DEFINED.match(diagnostic.wrong)
    return match["name"].split(".") if match else []


def _once(diagnostics: Sequence[Diagnostic]) -> Iterator[Diagnostic]:
    """Yield them with each undefined name once a file, which says how many more lines have it."""
    times = Counter((one.file, one.wrong) for one in diagnostics)
    told = set()
    for one in diagnostics:
        more = times[one.file, one.wrong] - 1
        if not more or not _undefined(one):
            yield one
        elif (one.file, one.wrong) not in told:
            told.add((one.file, one.wrong))
            yield replace(one, right=one.right or f"{more} more line{'s' * (more > 1)} of the file name it")


def _told(diagnostic: Diagnostic, folders: Sequence[Path]) -> Diagnostic:
    """Return the diagnostic with what would be right, where that is known."""
    if match := _UNKNOWN_OPTION.match(diagnostic.wrong):
        right = _import_of(
            match["name"], folders, lambda text: "extend " in text, rf"\b{_last(match['name'])} ="
        )
        wrong = diagnostic.wrong.removesuffix(match["advice"])
        return replace(diagnostic, wrong=wrong, right=_known_option(match["name"], match["field"]) or right)
    if match := _NO_FIELD.search(diagnostic.wrong):
        return replace(diagnostic, right=_known_field(match["message"], match["name"]))
    if match := _NOT_DEFINED.match(diagnostic.wrong):
        name = match["name"]
        declares = rf"^(?:message|enum) {_last(name)}\b"
        right = near(name, _SCALARS) or _import_of(name, folders, lambda _text: True, declares)
        return replace(diagnostic, right=right)
    if match := _IMPORT.match(diagnostic.wrong):
        return replace(diagnostic, right=_near_import(Path(match["file"]), folders))
    return diagnostic


def _known_option(name: str, field: str | None) -> str:
    """Return what an option of Rowgate's, or a field of one, may be called; empty where the name is right."""
    package, _, short = name.rpartition(".")
    options = annotations_pb2.DESCRIPTOR.extensions_by_name
    if package != annotations_pb2.DESCRIPTOR.package:
        return ""
    if short not in options:
        return suggestion(short, options)
    message = options[short].message_type
    known = message.fields_by_name if message else {}
    return suggestion(field, known) if field and field not in known else ""


def _known_field(message: str, name: str) -> str:
    try:
        found = annotations_pb2.DESCRIPTOR.pool.FindMessageTypeByName(message)
    except KeyError:
        return ""
    return suggestion(name, found.fields_by_name)


def _import_of(name: str, folders: Sequence[Path], fits: Callable[[str], bool], declares: str) -> str:
    """Return the import that a name of Rowgate's or Google's takes; empty where there is none."""
    package = name.rpartition(".")[0].replace(".", "/")
    for folder in folders[1:] if package else ():
        for file in sorted((folder / package).glob("*.proto")):
            text = file.read_text(encoding="utf-8")
            if fits(text) and re.search(declares, text, re.MULTILINE):
                return f'add import "{file.relative_to(folder).as_posix()}";'
    return ""


def _near_import(file: Path, folders: Sequence[Path]) -> str:
    beside = [
        one.relative_to(folder).as_posix()
        for folder in folders
        for one in (folder / file.parent).glob("*.proto")
    ]
    return "" if file.as_posix() in beside else near(file.as_posix(), beside)


def _last(name: str) -> str:
    return re.escape(name.rpartition(".")[2])


def _relative(file: str, folders: Sequence[Path]) -> str:
    path = Path(file)
    return next(
        (path.relative_to(folder).as_posix() for folder in folders if path.is_relative_to(folder)), file
    )
