"""Messages of the gateway's and of the generated code: the same bytes, by other classes."""

from typing import Any

from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pool import Default
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.methods.handlers import Response, WrittenResponse
from gateway.response.serialized import serialized
from gateway.schema.model import Method


class Messages:
    """The messages of one method, as its handler and its hooks have them.

    Args:
        method: the method. The generated code has been imported that declares its messages.

    """

    def __init__(self, method: Method) -> None:
        descriptor = method.descriptor
        self._served: Any = GetMessageClass(descriptor.input_type)
        self._answered: Any = GetMessageClass(descriptor.output_type)
        self._request = _generated(descriptor.input_type)
        self._response = _generated(descriptor.output_type)

    def request(self, message: Message) -> Any:
        """Return a request as a handler has it."""
        return self._request.FromString(message.SerializePartialToString())

    def served_request(self, message: Any) -> Message:
        """Return a request of a hook's as the gateway has it; raises TypeError for another message."""
        return _same(self._served, _checked(message, self._request))

    def response(self, response: Response) -> Any:
        """Return a response of the gateway's as a hook has it."""
        body = response.body if isinstance(response, WrittenResponse) else serialized(response)
        return self._response.FromString(body)

    def checked_response(self, message: Any) -> Message:
        """Return a handler's response; raises TypeError for another message."""
        return _checked(message, self._response)

    def served_response(self, message: Message) -> Message:
        """Return a response as the gateway has it."""
        return _same(self._answered, message)


def _same(wanted: Any, message: Message) -> Message:
    same: Message = wanted.FromString(message.SerializePartialToString())
    return same


def _generated(message: Descriptor) -> Any:
    return GetMessageClass(Default().FindMessageTypeByName(str(message.full_name)))


def _checked(message: Any, wanted: Any) -> Message:
    if not isinstance(message, wanted):
        raise TypeError(f"{wanted.DESCRIPTOR.full_name} was expected, and not {type(message).__name__}")
    checked: Message = message
    return checked
