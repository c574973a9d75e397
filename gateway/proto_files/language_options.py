"""The options that plugins for other languages ask of a file (decision 35)."""

from keyword import iskeyword

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileOptions

from gateway.proto_files.edits import Edits

# What buf's PACKAGE_SAME rules want to be the same in all files of a package.
_OF_PACKAGE = (
    *("csharp_namespace", "go_package", "java_multiple_files", "java_package"),
    *("php_namespace", "ruby_package", "swift_prefix"),
)
# No part of a Java package may be one: https://docs.oracle.com/javase/specs/jls/se21/html/jls-3.html#jls-3.9.
_KEYWORDS = """
    abstract assert boolean break byte case catch char class const continue default do double else enum
    extends false final finally float for goto if implements import instanceof int interface
    long native new null package private protected public return short static strictfp super switch
    synchronized this throw throws transient true try void volatile while
"""
_JAVA = frozenset(_KEYWORDS.split())


def is_keyword(name: str) -> bool:
    """Tell whether no package of Python or Java can be called so: code of it doesn't compile."""
    return iskeyword(name) or name in _JAVA


def language_options(package: str) -> list[str]:
    """Return the options of a package's files, as statements."""
    parts = package.split(".")
    camel = ["".join(word[:1].upper() + word[1:] for word in part.split("_")) for part in parts]
    java = ".".join(("com", *(f"{part}_" if part in _JAVA else part for part in parts)))
    php = r"\\".join(camel)
    return [
        f'option csharp_namespace = "{".".join(camel)}";',
        f'option go_package = "{"/".join(parts)};{"".join(parts[-2:])}";',
        "option java_multiple_files = true;",
        f'option java_package = "{java}";',
        f'option php_namespace = "{php}";',
        f'option ruby_package = "{"::".join(camel)}";',
    ]


def written_options(edits: Edits) -> list[str]:
    """Return those that a file has and all files of its package share, as they are written."""
    numbers = FileOptions.DESCRIPTOR.fields_by_name
    own = FileDescriptorProto.OPTIONS_FIELD_NUMBER
    places = (edits.places((own, numbers[name].number)) for name in _OF_PACKAGE)
    return [edits.said(place) for found in places for place in found]
