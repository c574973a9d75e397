"""Reflection, asked as v1 and as v1alpha over a socket."""

from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha import reflection_pb2 as pb
from rowgate.v1 import annotations_pb2

from gateway.transport.builtin.descriptor_index import DescriptorIndex
from tests.harness.gateway import descriptors_of
from tests.transport.conftest import SERVICE, Gate, Serve

VERSIONS = ("v1", "v1alpha")
NOT_FOUND = 5


@pytest.fixture(params=VERSIONS)
async def ask(request: Any, served: Serve) -> Any:
    """Ask several things on one stream of a version."""
    server = await served(Gate())

    async def asked(*requests: Any) -> Any:
        stub = server.client.channel.stream_stream(
            f"/grpc.reflection.{request.param}.ServerReflection/ServerReflectionInfo",
            request_serializer=pb.ServerReflectionRequest.SerializeToString,
            response_deserializer=pb.ServerReflectionResponse.FromString,
        )
        return [
            answer async for answer in stub(iter([pb.ServerReflectionRequest(**one) for one in requests]))
        ]

    return asked


def files(answer: Any) -> Any:
    bodies = answer.file_descriptor_response.file_descriptor_proto
    return {file.name: file for file in map(FileDescriptorProto.FromString, bodies)}


async def test_the_services_are_listed(ask: Any) -> None:
    (answer,) = await ask({"list_services": "*"})
    assert [service.name for service in answer.list_services_response.service] == [
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        SERVICE,
        "rowgate.v1.LimitsService",
    ]


async def test_a_symbols_file_comes_with_its_imports_comments_and_options(ask: Any) -> None:
    (answer,) = await ask({"file_containing_symbol": f"{SERVICE}.GetAccount"})
    found = files(answer)
    file = found["ledger/v1/account.proto"]
    comments = {place.leading_comments.strip() for place in file.source_code_info.location}
    assert "Set by the server." in comments
    assert {"rowgate/v1/annotations.proto", "google/protobuf/descriptor.proto"} < set(found)
    account = next(message for message in file.message_type if message.name == "Account")
    assert account.options.Extensions[annotations_pb2.table].name == "order"


@pytest.mark.parametrize("version", VERSIONS)
async def test_its_own_files_are_found(ask: Any, version: str) -> None:
    (answer,) = await ask({"file_containing_symbol": f"grpc.reflection.{version}.ServerReflection"})
    (file,) = files(answer).values()
    assert file.package == f"grpc.reflection.{version}"


async def test_a_client_can_build_every_message_from_what_it_is_sent(ask: Any) -> None:
    listed = (await ask({"list_services": ""}))[0].list_services_response.service
    answers = await ask(*({"file_containing_symbol": service.name} for service in listed))
    sent = {name: file for answer in answers for name, file in files(answer).items()}
    pool = DescriptorPool()

    def add(name: str) -> None:
        file = sent.pop(name, None)
        if file is not None:
            for imported in file.dependency:
                add(imported)
            pool.Add(file)

    for name in list(sent):
        add(name)
    assert {service.name for service in listed} == {
        pool.FindServiceByName(service.name).full_name for service in listed
    }


async def test_a_stream_sends_each_import_once(ask: Any) -> None:
    once, again = await ask(*[{"file_containing_symbol": SERVICE}] * 2)
    assert len(files(once)) > 1
    assert list(files(again)) == ["ledger/v1/account.proto"]


async def test_extensions_are_found_by_number(ask: Any) -> None:
    numbers, file = await ask(
        {"all_extension_numbers_of_type": "google.protobuf.MessageOptions"},
        {
            "file_containing_extension": pb.ExtensionRequest(
                containing_type="google.protobuf.MessageOptions",
                extension_number=annotations_pb2.table.number,
            )
        },
    )
    assert annotations_pb2.table.number in numbers.all_extension_numbers_response.extension_number
    assert "rowgate/v1/annotations.proto" in files(file)


@pytest.mark.parametrize(
    "question",
    [
        {"file_containing_symbol": "ledger.v1.Nothing"},
        {"file_by_filename": "nothing.proto"},
        {"all_extension_numbers_of_type": "ledger.v1.Nothing"},
        {"file_containing_extension": pb.ExtensionRequest(containing_type="x.Y", extension_number=1)},
    ],
    ids=lambda question: next(iter(question)),
)
async def test_what_is_unknown_is_not_found_and_the_stream_goes_on(
    ask: Any, question: dict[str, Any]
) -> None:
    unknown, known = await ask(question, {"file_by_filename": "ledger/v1/account.proto"})
    assert unknown.error_response.error_code == NOT_FOUND
    assert unknown.original_request == pb.ServerReflectionRequest(**question)
    assert "ledger/v1/account.proto" in files(known)


async def test_it_can_be_switched_off(served: Serve) -> None:
    server = await served(Gate(), reflection=False)
    # One request: grpc.aio may call it INTERNAL when a stream is refused while it sends.
    stub = server.client.channel.unary_unary("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")
    assert (await stub(b"").code()).name == "UNIMPLEMENTED"


@pytest.mark.parametrize("schema", ["types", "ledger", "adversarial"])
def test_every_declared_name_is_in_the_index(schema: str) -> None:
    index = DescriptorIndex(descriptors_of(schema).file)
    pool = DescriptorPool()
    for file in descriptors_of(schema).file:
        pool.Add(file)
    for file in descriptors_of(schema).file:
        found = pool.FindFileByName(file.name)
        messages = list(found.message_types_by_name.values())
        for message in messages:
            messages.extend(message.nested_types)
            names = [message.full_name, *(field.full_name for field in message.fields)]
            names += [oneof.full_name for oneof in message.oneofs]
            assert {index.file_of_symbol(name) for name in names} == {file.name}
        for service in found.services_by_name.values():
            names = [service.full_name, *(method.full_name for method in service.methods)]
            assert {index.file_of_symbol(name) for name in names} == {file.name}
        for extension in found.extensions_by_name.values():
            extended = extension.containing_type.full_name
            assert index.file_of_extension(extended, extension.number) == file.name
