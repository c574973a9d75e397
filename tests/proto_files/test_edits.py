"""Edits of protos by hand: whatever isn't edited stays byte for byte, however it is written."""

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto

from gateway.proto_files.edits import Edits
from gateway.schema.protos.sources import compile_protos

TEXT = """\
syntax = "proto3"; package a;

// Apart.

/* Of A,
 * für sie. */
message A {
\tint32\tone = 1; // first
  /* two */ string two = 2 [deprecated = true, json_name = "zwei"];

  // Of three.
  bool three = 3;
}
message B { int32 one = 1; int32 two = 2; }

enum E { ZERO = 0; /* last */ }
"""
A, B, E = (4, 0), (4, 1), (5, 0)


@pytest.fixture(scope="module", params=["\n", "\r\n"])
def written(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, FileDescriptorProto]:
    """Return a text with its line ends, and its descriptor."""
    folder = tmp_path_factory.mktemp("written")
    text = TEXT.replace("\n", request.param)
    (folder / "a.proto").write_bytes(text.encode())
    return text, compile_protos(folder).file[0]


@pytest.mark.parametrize(
    ("path", "gone"),
    [
        ((*A, 2, 0), "\tint32\tone = 1; // first\n"),
        ((*A, 2, 1), 'string two = 2 [deprecated = true, json_name = "zwei"];'),
        ((*A, 2, 2), "\n  // Of three.\n  bool three = 3;\n"),
        ((*B, 2, 1), "int32 two = 2;"),
        (E, "\nenum E { ZERO = 0; /* last */ }\n"),
        (B, "message B { int32 one = 1; int32 two = 2; }\n"),
    ],
)
def test_an_element_is_taken_away_with_what_is_its_own(
    written: tuple[str, FileDescriptorProto], path: tuple[int, ...], gone: str
) -> None:
    text, file = written
    end = "\r\n" if "\r\n" in text else "\n"
    edits = Edits(text, file)
    assert str(edits) == text
    edits.remove(path)
    assert TEXT.count(gone) == 1
    assert str(edits) == TEXT.replace(gone, "").replace("\n", end)


def test_what_is_put_has_the_line_ends_of_the_text(written: tuple[str, FileDescriptorProto]) -> None:
    text, file = written
    edits = Edits(text, file)
    edits.append_inside(A, "  // Four.\n  int32 four = 4;")
    edits.append_inside(B, "  int32 three = 3;")
    edits.append("// C.\nmessage C {}")
    put = TEXT.replace("  bool three = 3;\n", "  bool three = 3;\n  // Four.\n  int32 four = 4;\n")
    put = (
        put.replace("int32 two = 2; }", "int32 two = 2; \n  int32 three = 3;\n}") + "\n// C.\nmessage C {}\n"
    )
    assert str(edits) == put.replace("\n", "\r\n" if "\r\n" in text else "\n")


def test_the_other_options_of_a_field_are_told(written: tuple[str, FileDescriptorProto]) -> None:
    edits = Edits(*written)
    told = edits.statements((*A, 2, 1), (*A, 2, 1, 8, 3))
    assert told == ['json_name = "zwei"']
