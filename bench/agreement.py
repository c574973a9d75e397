"""Checks that all contenders answer alike: what answers otherwise can't be compared."""

from collections.abc import Sequence
from typing import Any

import grpc

from bench.contenders import Contender
from bench.datasets import Dataset
from bench.results import Results

_SECONDS = 20


async def compare(results: Results, running: Sequence[Contender], dataset: Dataset, key: Any) -> None:
    """Report whose Get of a row fails, or differs from the first one's."""
    first = None
    for contender in running:
        try:
            answer = await _get(contender, dataset, key)
        except grpc.aio.AioRpcError as error:
            results.fail(f"Get {dataset.table}, {contender.name}", error)
            continue
        first = first or answer
        if answer != first:
            results.fail(
                f"Get {dataset.table}, {contender.name}", ValueError(f"it answers otherwise: {answer}")
            )


async def _get(contender: Contender, dataset: Dataset, key: Any) -> Any:
    request = dataset.message(f"{dataset.rpc('Get')}Request")(id=key)
    async with grpc.aio.insecure_channel(contender.address) as channel:
        get: grpc.aio.UnaryUnaryMultiCallable[Any, Any] = channel.unary_unary(
            dataset.path("Get"),
            request_serializer=type(request).SerializeToString,
            response_deserializer=dataset.message(dataset.resource).FromString,
        )
        answer = await get(request, timeout=_SECONDS)
    if "etag" in answer.DESCRIPTOR.fields_by_name:
        answer.ClearField("etag")  # each service makes its own
    return answer
