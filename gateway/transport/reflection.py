"""Server reflection, v1 and v1alpha (https://github.com/grpc/grpc/blob/master/doc/server-reflection.md).

grpcio-reflection brings v1alpha alone, and newer clients ask v1 first (grpc/grpc issue 38576). The two are
the same messages in another package, so one servicer answers both.
"""

from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc
from google.protobuf import duration_pb2, text_format
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.rpc import error_details_pb2
from grpc_reflection.v1alpha import reflection_pb2 as pb

from gateway.transport.descriptor_index import DescriptorIndex
from gateway.transport.open_streams import OpenStreams
from gateway.transport.parsing import small_reader

_METHOD = "ServerReflectionInfo"
SERVICE_NAMES = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")


class Reflection:
    """Answers what services there are and which files declare them.

    Args:
        services: full names of the services to list.
        files: the files that declare them, with their imports; comments are kept.
        streams: counts those that are open.

    """

    def __init__(
        self, services: Iterable[str], files: Iterable[FileDescriptorProto], streams: OpenStreams
    ) -> None:
        self._streams = streams
        self._services = sorted({*services, *SERVICE_NAMES})
        self._index = DescriptorIndex([*files, *_own_files()])

    def handlers(self) -> Iterable[grpc.GenericRpcHandler]:
        """Return what a grpc server mounts: both versions."""
        method = grpc.stream_stream_rpc_method_handler(
            self.server_reflection_info,
            request_deserializer=small_reader(pb.ServerReflectionRequest),
            response_serializer=pb.ServerReflectionResponse.SerializeToString,
        )
        return [grpc.method_handlers_generic_handler(name, {_METHOD: method}) for name in SERVICE_NAMES]

    async def server_reflection_info(
        self, requests: AsyncIterator[pb.ServerReflectionRequest], context: Any
    ) -> AsyncIterator[pb.ServerReflectionResponse]:
        """Answer each request of a stream; a file is sent once per stream."""
        await self._streams.enter(f"/{SERVICE_NAMES[0]}/{_METHOD}", context)
        sent: set[str] = set()
        async for request in requests:
            response = self._answer(request, sent)
            response.valid_host = request.host
            response.original_request.CopyFrom(request)
            yield response

    def _answer(self, request: pb.ServerReflectionRequest, sent: set[str]) -> pb.ServerReflectionResponse:
        asked = request.WhichOneof("message_request")
        try:
            if asked == "list_services":
                return self._list()
            if asked == "all_extension_numbers_of_type":
                return self._extension_numbers(request.all_extension_numbers_of_type)
            if asked is None:
                return _error(grpc.StatusCode.INVALID_ARGUMENT, "the request asks for nothing that is known")
            return self._files(self._index.with_imports(self._file(request, asked), sent))
        except KeyError as error:
            return _error(grpc.StatusCode.NOT_FOUND, f"not found: {error.args[0]}")

    def _file(self, request: pb.ServerReflectionRequest, asked: str) -> str:
        if asked == "file_containing_symbol":
            return self._index.file_of_symbol(request.file_containing_symbol.lstrip("."))
        if asked == "file_containing_extension":
            extension = request.file_containing_extension
            return self._index.file_of_extension(extension.containing_type, extension.extension_number)
        return str(request.file_by_filename)

    @staticmethod
    def _files(bodies: Iterable[bytes]) -> pb.ServerReflectionResponse:
        files = pb.FileDescriptorResponse(file_descriptor_proto=bodies)
        return pb.ServerReflectionResponse(file_descriptor_response=files)

    def _list(self) -> pb.ServerReflectionResponse:
        services = [pb.ServiceResponse(name=name) for name in self._services]
        return pb.ServerReflectionResponse(list_services_response=pb.ListServiceResponse(service=services))

    def _extension_numbers(self, message: str) -> pb.ServerReflectionResponse:
        numbers = self._index.extension_numbers(message)
        found = pb.ExtensionNumberResponse(base_type_name=message, extension_number=numbers)
        return pb.ServerReflectionResponse(all_extension_numbers_response=found)


def _error(code: grpc.StatusCode, message: str) -> pb.ServerReflectionResponse:
    error = pb.ErrorResponse(error_code=code.value[0], error_message=message)
    return pb.ServerReflectionResponse(error_response=error)


def _own_files() -> Iterable[FileDescriptorProto]:
    alpha = FileDescriptorProto()
    pb.DESCRIPTOR.CopyToProto(alpha)
    text = text_format.MessageToString(alpha)
    return alpha, text_format.Parse(text.replace("v1alpha", "v1"), FileDescriptorProto()), *_error_files()


def _error_files() -> Iterable[FileDescriptorProto]:
    """Return what declares an error's details: clients that know them from reflection alone can read them."""
    for file in (error_details_pb2.DESCRIPTOR, duration_pb2.DESCRIPTOR):
        copy = FileDescriptorProto()
        file.CopyToProto(copy)
        yield copy
