"""What is wrong with handlers is told at the start, with its place."""

from collections.abc import Callable
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorSet

from gateway.handlers.authors import read_authors
from gateway.handlers.errors import HandlersError
from gateway.schema.diagnostics import SchemaError
from gateway.schema.read import read_schema
from tests.harness.gateway import descriptors_of, schema_of

HEAD = """\
from kiosk.v1 import kiosk_pb2, kiosk_pb2_grpc
from gateway.handlers import after, before

class Kiosk(kiosk_pb2_grpc.KioskServiceServicer):
    async def Buy(self, request, context): ...
    async def Act(self, request, context): ...
    async def Hide(self, request, context): ...
    async def Watch(self, request, context): yield
    async def Chat(self, requests, context): yield
    async def BuyAll(self, requests, context): ...
"""
_LINES = HEAD.count("\n")
Wrong = Callable[..., str]


@pytest.fixture
def wrong(tmp_path: Path, generated: Path) -> Wrong:  # noqa: ARG001 - the files import it
    """Return what tells the errors of a file, by the line of its own part."""

    def told(*texts: str, head: str = HEAD) -> str:
        paths = [tmp_path / f"part{number}.py" for number, _ in enumerate(texts)]
        for number, (path, text) in enumerate(zip(paths, texts, strict=True)):
            path.write_text(head + text if number == 0 else text)
        with pytest.raises(HandlersError) as raised:
            read_authors([str(path) for path in paths], schema_of("kiosk"))
        return str(raised.value).replace(f"{tmp_path}/", "")

    return told


def test_right_ones_are_read(tmp_path: Path, generated: Path) -> None:  # noqa: ARG001 - as above
    path = tmp_path / "right.py"
    path.write_text(HEAD)
    assert len(read_authors([str(path)], schema_of("kiosk")).functions) == 6
    assert read_authors([], schema_of("ledger")).functions == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "    async def Bui(self, request, context): ...",
            "Kiosk.Bui: is no method of kiosk.v1.KioskService",
        ),
        ("    def Buy(self, request, context): ...", "Kiosk.Buy: is no coroutine"),
        ("    async def Buy(self, request): ...", "Kiosk.Buy: takes other arguments"),
        ("    async def Watch(self, request, context): ...", "Kiosk.Watch: doesn't yield its responses"),
        ("    async def BuyAll(self, requests, context): yield", "Kiosk.BuyAll: is no coroutine"),
        ("    def __init__(self, size): ...", "Kiosk: can't be made: TypeError"),
        ("raise OSError('gone')", "OSError: gone"),
        ("import nothing_of_this_name", "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
        ("def (", "SyntaxError"),
        ("import json; json.loads('')", "JSONDecodeError: Expecting value"),
        (
            "@before('kiosk.v1.ArticleService/GetArticles')\nasync def f(request, context): ...",
            "f: @before: the schema has no method",
        ),
        ("@before('kiosk.v1.ArticleService/GetArticle')\ndef f(request, context): ...", "f: is no coroutine"),
        (
            "@after('kiosk.v1.ArticleService/GetArticle')\nasync def f(request, context): ...",
            "f: is no coroutine of these arguments",
        ),
        (
            "@after('kiosk.v1.ArticleService/StreamArticles')\nasync def f(a, b, c): ...",
            "f: @after: kiosk.v1.ArticleService/StreamArticles streams",
        ),
        (
            "@before('kiosk.v1.KioskService/Transact')\nasync def f(a, b): ...",
            "f: @before: kiosk.v1.KioskService/Transact is a transaction",
        ),
        (
            "@before('kiosk.v1.KioskService/Buy')\nasync def f(a, b): ...",
            "f: is a hook of a method that a handler answers",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(wrong: Wrong, text: str, told: str) -> None:
    error = wrong(text)
    assert told in error
    at = "part0.py:4: " if "__init__" in text else f"part0.py:{_LINES + 1}: "
    assert at in error or text.startswith("    def __init__"), error


def test_all_that_is_wrong_is_told_together(wrong: Wrong) -> None:
    error = wrong("    async def Bui(self, request, context): ...\n    async def Buy(self): ...")
    assert ('did you mean "Buy"?' in error, error.count("part0.py:")) == (True, 2)


def test_a_method_has_one_handler(wrong: Wrong) -> None:
    assert "kiosk.v1.KioskService.Buy is answered twice, by" in wrong("", HEAD)


def test_a_file_holds_something(wrong: Wrong) -> None:
    assert "holds no servicer and no hook" in wrong("x = 1", head="")


def test_a_file_is_there(tmp_path: Path) -> None:
    with pytest.raises(HandlersError, match="there is no such file"):
        read_authors([str(tmp_path / "nothing.py")], schema_of("ledger"))


def test_methods_without_a_handler_are_told_with_the_protos_lines() -> None:
    with pytest.raises(SchemaError) as raised:
        read_authors([], schema_of("kiosk"))
    told = [str(one) for one in raised.value.diagnostics]
    assert len(told) == 6
    assert all("kiosk.proto:" in one and "none is given" in one for one in told)


def test_code_of_another_schema_is_refused(wrong: Wrong) -> None:
    other = (
        "from rowgate.v1 import limits_pb2_grpc\n\n"
        "class L(limits_pb2_grpc.LimitsServiceServicer):\n"
        "    async def GetLimits(self, request, context): ...\n"
    )
    assert "L: is of rowgate.v1.LimitsService, which the schema hasn't" in wrong(other, head="")


def test_code_that_is_older_than_the_schema_is_refused(tmp_path: Path, generated: Path) -> None:  # noqa: ARG001 - as above
    path = tmp_path / "older.py"
    path.write_text(HEAD)
    descriptors = FileDescriptorSet()
    descriptors.CopyFrom(descriptors_of("kiosk"))
    messages = {one.name: one for file in descriptors.file for one in file.message_type}
    messages["BuyRequest"].field[1].ClearField("options")
    messages["BuyRequest"].field[1].type = FieldDescriptorProto.TYPE_INT64
    with pytest.raises(HandlersError, match=r"Kiosk.Buy: kiosk.v1.BuyRequest isn't what it is in the schema"):
        read_authors([str(path)], read_schema(descriptors))
