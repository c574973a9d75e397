"""A client that says how fresh its reads are to be, and hears what its writes are found by."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message_factory import GetMessageClass

from tests.harness.client import Client, RpcFailed

HEADER = "rowgate-consistency"
ACCOUNTS, BANK = "bank.v1.AccountService", "bank.v1.BankService"
SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls a gateway.

    Args:
        client: to it.

    """

    client: Client

    async def told(self, method: str, /, *, consistency: str = "", **fields: Any) -> tuple[Any, str]:
        """Return a unary call's answer, and what it was told of consistency; raises RpcFailed."""
        descriptor = self.client.descriptor(method)
        request = self.client.message(descriptor.input_type.full_name, fields)
        call: Any = self.client.channel.unary_unary(f"/{method}")(
            request.SerializeToString(), timeout=SECONDS, metadata=self._metadata(consistency)
        )
        try:
            answer = GetMessageClass(descriptor.output_type).FromString(await call)
        except grpc.aio.AioRpcError as error:
            raise RpcFailed(error) from None
        return answer, await _told(call)

    async def call(self, method: str, /, *, consistency: str = "", **fields: Any) -> Any:
        """Return a unary call's answer; raises RpcFailed."""
        answer, _ = await self.told(method, consistency=consistency, **fields)
        return answer

    async def stream(self, method: str, /, *, consistency: str = "", **fields: Any) -> AsyncIterator[Any]:
        """Yield the responses of a call that streams them."""
        descriptor = self.client.descriptor(method)
        request = self.client.message(descriptor.input_type.full_name, fields)
        call: Any = self.client.channel.unary_stream(f"/{method}")(
            request.SerializeToString(), timeout=SECONDS, metadata=self._metadata(consistency)
        )
        async for body in call:
            yield GetMessageClass(descriptor.output_type).FromString(body)

    async def converse(self, method: str, /, *requests: dict[str, Any]) -> str:
        """Send requests, one after the other's answer, to a call of streams; return what it was told."""
        descriptor = self.client.descriptor(method)
        call: Any = self.client.channel.stream_stream(f"/{method}")(timeout=SECONDS)
        for request in requests:
            await call.write(
                self.client.message(descriptor.input_type.full_name, request).SerializeToString()
            )
            assert await call.read() is not grpc.aio.EOF
        await call.done_writing()
        assert await call.code() == grpc.StatusCode.OK
        return await _told(call)

    def _metadata(self, consistency: str) -> tuple[tuple[str, str], ...]:
        return (*self.client.metadata, (HEADER, consistency)) if consistency else self.client.metadata

    async def cents(self, account: str, consistency: str = "") -> int:
        """Return what is on an account, as far as a read of some consistency tells."""
        found = await self.call(f"{ACCOUNTS}/GetAccount", consistency=consistency, id=account)
        return int(found.cents)

    async def open(self, account: str, cents: int) -> str:
        """Open an account; return what the call was told."""
        _, told = await self.told(f"{ACCOUNTS}/CreateAccount", account={"id": account, "cents": cents})
        return told

    async def put(self, account: str, cents: int) -> str:
        """Set what is on an account; return what the call was told."""
        _, told = await self.told(f"{ACCOUNTS}/UpdateAccount", account={"id": account, "cents": cents})
        return told


async def _told(call: Any) -> str:
    return str(dict(await call.trailing_metadata() or ()).get(HEADER, ""))
