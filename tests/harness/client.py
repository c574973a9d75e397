"""A gRPC client of any schema: calls by name, with messages given as dictionaries."""

import asyncio
import itertools
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import grpc
import grpc.aio
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2

_DETAILS = {
    cls.DESCRIPTOR.full_name: cls
    for cls in (
        error_details_pb2.BadRequest,
        error_details_pb2.ErrorInfo,
        error_details_pb2.PreconditionFailure,
        error_details_pb2.ResourceInfo,
        error_details_pb2.RetryInfo,
    )
}


class RpcFailed(Exception):  # noqa: N818 - reads as what happened
    """An RPC that ended with a status other than OK, with its details unpacked."""

    def __init__(self, error: grpc.aio.AioRpcError) -> None:
        super().__init__(f"{error.code().name}: {error.details()}")
        self.code = error.code()
        self.message = error.details() or ""
        self.trailers = {str(key): value for key, value in error.trailing_metadata() or ()}
        packed = self.trailers.get("grpc-status-details-bin", b"")
        self.status = status_pb2.Status.FromString(packed if isinstance(packed, bytes) else packed.encode())

    def details(self, kind: type[Message]) -> list[Any]:
        """Return the status details of one type."""
        found = []
        for any_ in self.status.details:
            if any_.Is(kind.DESCRIPTOR):
                detail = kind()
                any_.Unpack(detail)
                found.append(detail)
        return found

    @property
    def reason(self) -> str:
        """ErrorInfo's reason, empty without one."""
        return next((info.reason for info in self.details(error_details_pb2.ErrorInfo)), "")

    @property
    def metadata(self) -> Mapping[str, str]:
        """ErrorInfo's metadata."""
        return next((dict(info.metadata) for info in self.details(error_details_pb2.ErrorInfo)), {})

    @property
    def fields(self) -> list[str]:
        """The proto paths of BadRequest's field violations."""
        return [v.field for bad in self.details(error_details_pb2.BadRequest) for v in bad.field_violations]

    @property
    def subjects(self) -> list[str]:
        """The subjects of PreconditionFailure's violations."""
        return [
            one.subject
            for held in self.details(error_details_pb2.PreconditionFailure)
            for one in held.violations
        ]


class Responses:
    """The responses of a call under way, each read when it is asked for; raises RpcFailed."""

    def __init__(self, call: Any, message: Descriptor) -> None:
        self.call = call
        self._type = GetMessageClass(message)

    def __aiter__(self) -> "Responses":
        return self

    async def __anext__(self) -> Any:
        try:
            body = await self.call.read()
        except grpc.aio.AioRpcError as error:
            raise RpcFailed(error) from None
        if body is grpc.aio.EOF:
            raise StopAsyncIteration
        return self._type.FromString(body)

    async def take(self, rows: str) -> tuple[list[int], str, RpcFailed | None]:
        """Return the ids of the rows in a field, the last token, and the error that ended the stream."""
        ids: list[int] = []
        token = ""
        try:
            async for chunk in self:
                ids += [row.id for row in getattr(chunk, rows)]
                token = chunk.resume_token
        except RpcFailed as error:
            return ids, token, error
        return ids, token, None


class Conversation(Responses):
    """A call whose requests and responses are streams."""

    def __init__(self, call: Any, client: "Client", method: MethodDescriptor) -> None:
        super().__init__(call, method.output_type)
        self._client = client
        self._request = method.input_type.full_name

    async def send(self, request: Message | None = None, /, **fields: Any) -> None:
        """Send a request, a message or its proto JSON; what ended the call shows when it is read."""
        message = self._client.message(self._request, fields) if request is None else request
        with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            await self.call.write(message.SerializeToString())

    async def ask(self, request: Message | None = None, /, **fields: Any) -> Any:
        """Send a request and return the next response; raises RpcFailed."""
        await self.send(request, **fields)
        return await anext(self)

    async def end(self) -> list[Any]:
        """Send no more; return the responses that are left. Raises RpcFailed."""
        await self.call.done_writing()
        return [response async for response in self]


class Client:
    """Calls the methods of a descriptor set over one channel, with further options of grpcio's.

    Args:
        target: where to.
        descriptors: the schema.
        options: of the channel.
        roots: certificates, one of which must have signed the server's; without them there is no TLS.
        authorization: that header of each call; none where it is empty.

    """

    def __init__(
        self,
        target: str,
        descriptors: FileDescriptorSet,
        options: Sequence[tuple[str, Any]] = (),
        roots: bytes | None = None,
        authorization: str = "",
    ) -> None:
        self.metadata = (("authorization", authorization),) if authorization else ()
        """Of each call."""
        self._pool = DescriptorPool()
        for file in descriptors.file:
            self._pool.Add(file)
        whole = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1), *options]
        self.channel = (
            grpc.aio.insecure_channel(target, options=whole)
            if roots is None
            else grpc.aio.secure_channel(target, grpc.ssl_channel_credentials(roots), options=whole)
        )

    def message(self, full_name: str, fields: Mapping[str, Any] | None = None, /, **more: Any) -> Any:
        """Return a message by its full name, made from proto JSON."""
        cls = GetMessageClass(self._pool.FindMessageTypeByName(full_name))
        return json_format.ParseDict({**(fields or {}), **more}, cls(), descriptor_pool=self._pool)

    def descriptor(self, method: str) -> MethodDescriptor:
        """Return the descriptor of `package.Service/Method`."""
        service, _, name = method.partition("/")
        return self._pool.FindServiceByName(service).FindMethodByName(name)

    def unpacked(self, packed: Any) -> Any:
        """Return the message in a google.protobuf.Any."""
        cls = GetMessageClass(self._pool.FindMessageTypeByName(packed.type_url.rpartition("/")[2]))
        return cls.FromString(packed.value)

    async def call(
        self,
        method: str,
        request: Message | Mapping[str, Any] | None = None,
        /,
        *,
        timeout: float = 30,  # noqa: ASYNC109 - as below
        **more: Any,
    ) -> Any:
        """Call `package.Service/Method`, with a message or its proto JSON; raises RpcFailed."""
        descriptor = self.descriptor(method)
        if not isinstance(request, Message):
            request = self.message(descriptor.input_type.full_name, {**(request or {}), **more})
        answer = GetMessageClass(descriptor.output_type)
        stub = self.channel.unary_unary(f"/{method}")
        return answer.FromString(await self.raw(stub, request.SerializeToString(), timeout, self.metadata))

    def stream(
        self,
        method: str,
        request: Message | Mapping[str, Any] | None = None,
        /,
        *,
        timeout: float = 30,
        **more: Any,
    ) -> "Responses":
        """Call a method that streams its responses, with a message or its proto JSON."""
        descriptor = self.descriptor(method)
        if not isinstance(request, Message):
            request = self.message(descriptor.input_type.full_name, {**(request or {}), **more})
        stub = self.channel.unary_stream(f"/{method}")
        return Responses(
            stub(request.SerializeToString(), timeout=timeout, metadata=self.metadata),
            descriptor.output_type,
        )

    def converse(self, method: str, *, timeout: float = 30) -> Conversation:
        """Call a method that streams its requests and responses."""
        descriptor = self.descriptor(method)
        stub = self.channel.stream_stream(f"/{method}")
        return Conversation(stub(timeout=timeout, metadata=self.metadata), self, descriptor)

    async def gather(self, method: str, requests: Iterable[Mapping[str, Any]], *, seconds: float = 30) -> Any:
        """Call a method that streams its requests, given as proto JSON; raises RpcFailed."""
        descriptor = self.descriptor(method)
        bodies = [self.message(descriptor.input_type.full_name, one).SerializeToString() for one in requests]
        call = self.channel.stream_unary(f"/{method}")(iter(bodies), timeout=seconds, metadata=self.metadata)
        try:
            return GetMessageClass(descriptor.output_type).FromString(await call)
        except grpc.aio.AioRpcError as error:
            raise RpcFailed(error) from None

    @staticmethod
    async def raw(
        stub: Any,
        body: bytes,
        timeout: float,  # noqa: ASYNC109 - the call's own deadline
        metadata: Sequence[tuple[str, str]] = (),
    ) -> bytes:
        """Call with bytes; raises RpcFailed."""
        try:
            answer: bytes = await stub(body, timeout=timeout, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            raise RpcFailed(error) from None
        return answer

    async def close(self) -> None:
        """Close the channel."""
        await self.channel.close()


_counter = itertools.count()


def fresh_name(prefix: str) -> str:
    """Return a name no other test of this process uses."""
    return f"{prefix}_{next(_counter)}"
