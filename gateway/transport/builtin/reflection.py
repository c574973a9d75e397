"""Server reflection, v1 and v1alpha (https://github.com/grpc/grpc/blob/master/doc/server-reflection.md).

grpcio-reflection brings v1alpha alone, and newer clients ask v1 first (grpc/grpc issue 38576). The two are
the same messages in another package, so one servicer answers both.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property

from google.protobuf import duration_pb2, text_format
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.rpc import code_pb2, error_details_pb2
from grpc_reflection.v1alpha import reflection_pb2 as pb

from gateway.transport.builtin.builtin_method import BuiltinMethod, BuiltinMethods
from gateway.transport.builtin.descriptor_index import DescriptorIndex
from gateway.transport.exchange import Exchange
from gateway.transport.limits.admission import Admission
from gateway.transport.parsing.parser import small_reader

_METHOD = "ServerReflectionInfo"
SERVICE_NAMES = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")
PATHS = tuple(f"/{service}/{_METHOD}" for service in SERVICE_NAMES)
_read = small_reader(pb.ServerReflectionRequest)


class Reflection:
    """Answers what services there are and which files declare them.

    Args:
        services: full names of the services to list.
        files: the files that declare them, with their imports; comments are kept.
        streams: counts those that are open.

    """

    def __init__(
        self, services: Iterable[str], files: Sequence[FileDescriptorProto], streams: Admission
    ) -> None:
        self._streams = streams
        self._services = sorted({*services, *SERVICE_NAMES})
        self._declared = files

    @cached_property
    def _index(self) -> DescriptorIndex:
        """What finds files by what they declare: made at the first question, which few servers are asked."""
        return DescriptorIndex([*self._declared, *_own_files()])

    def methods(self) -> BuiltinMethods:
        """Return both versions."""
        declared = pb.DESCRIPTOR.services_by_name["ServerReflection"].methods_by_name[_METHOD]
        method = BuiltinMethod(declared, self.server_reflection_info)
        return dict.fromkeys(PATHS, method)

    async def server_reflection_info(self, exchange: Exchange) -> bytes:
        """Answer each request of a stream, each file once; raises ResourceExhausted for too many streams."""
        channel, sent = exchange.messages(), set[str]()
        with self._streams.admitted(exchange):
            while (body := await channel.receive()) is not None:
                request = _read(body)
                response = self._answer(request, sent)
                response.valid_host = request.host
                response.original_request.CopyFrom(request)
                await channel.send(response.SerializeToString())
        return b""

    def _answer(self, request: pb.ServerReflectionRequest, sent: set[str]) -> pb.ServerReflectionResponse:
        asked = request.WhichOneof("message_request")
        try:
            if asked == "list_services":
                return self._list()
            if asked == "all_extension_numbers_of_type":
                return self._extension_numbers(request.all_extension_numbers_of_type)
            if asked is None:
                return _error(code_pb2.INVALID_ARGUMENT, "the request asks for nothing that is known")
            return self._files(self._index.with_imports(self._file(request, asked), sent))
        except KeyError as error:
            return _error(code_pb2.NOT_FOUND, f"not found: {error.args[0]}")

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


def _error(code: int, message: str) -> pb.ServerReflectionResponse:
    error = pb.ErrorResponse(error_code=code, error_message=message)
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
