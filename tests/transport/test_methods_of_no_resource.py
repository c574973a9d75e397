"""A method that isn't of one resource is carried, counted and let in as the standard ones are."""

from typing import Any

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.request.calls.call import Call
from gateway.schema.model import Method, Service
from tests.harness.gateway import schema_of
from tests.transport.conftest import GET, SERVICE, Serve


class Answered(Method):
    """A method of the test's own."""

    @property
    def kind_name(self) -> str:
        """Of no other."""
        return "ANSWERED"

    @property
    def reads(self) -> bool:
        """It does."""
        return True


def answered() -> Method:
    """Return one with the messages of a standard method."""
    method = next(one for one in schema_of("ledger").services[SERVICE].methods if one.path == f"/{GET}")
    return Answered(descriptor=method.descriptor)


async def test_it_is_called_over_each_transport(served: Serve) -> None:
    calls: list[Call] = []

    async def handler(request: Any, call: Call) -> Message:
        calls.append(call)
        return GetMessageClass(answered().descriptor.output_type)(book=request.book)

    server = await served(handler, method=answered())
    assert (await server.get(book="main", number=1)).book == "main"
    assert (calls[0].operation.table, calls[0].operation.kind) == ("", "ANSWERED")
    assert (await server.ended.get()).method == GET


def test_it_is_no_standard_method() -> None:
    service = Service(SERVICE, (answered(), *schema_of("ledger").services[SERVICE].methods))
    assert service.standard_methods == service.methods[1:]
    assert repr(service.methods[0]) == f"Answered(ANSWERED /{GET})"
