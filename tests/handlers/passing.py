"""Handlers and hooks that pass each call on: whoever calls has to be answered as if they weren't there.

The schema is the folder's that this file has been copied to, beside the schema's generated code.
"""

import importlib
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

from google.protobuf.descriptor import MethodDescriptor

from gateway.handlers import Context, Rowgate, after, before

_HERE = Path(__file__).parent
_TURNS = count()


def _handler(method: MethodDescriptor) -> Any:
    async def answer(_self: Any, request: Any, context: Context) -> Any:
        async def work(rowgate: Rowgate) -> Any:
            return await rowgate.call(method.name, request)

        # By turns as a call of its own, in a transaction, and as a part of one.
        turn = next(_TURNS) % 3
        if turn == 0:
            return await work(context.rowgate)
        return await context.rowgate.transact(work if turn == 1 else lambda rowgate: rowgate.transact(work))

    return answer


def _hooks(method: MethodDescriptor) -> list[Any]:
    name = method.full_name[: -len(method.name) - 1] + f"/{method.name}"

    @before(name)
    async def pass_request(request: Any, _context: Context) -> Any:
        return request

    @after(name)
    async def hear(_request: Any, _response: Any, _context: Context) -> None:
        return

    return [pass_request, hear]


def _pass_on(messages: ModuleType, code: ModuleType) -> None:
    for service in messages.DESCRIPTOR.services_by_name.values():
        functions = {}
        for number, method in enumerate(service.methods):
            streams = method.client_streaming or method.server_streaming
            if streams or method.name == "Transact":
                continue
            if number % 2:
                functions[method.name] = _handler(method)
            else:
                globals().update({f"hook{len(globals()) + n}": one for n, one in enumerate(_hooks(method))})
        globals()[service.name] = type(service.name, (getattr(code, f"{service.name}Servicer"),), functions)


for _file in sorted(_HERE.glob("*_pb2_grpc.py")):
    _stem = _file.name.removesuffix("_grpc.py")
    _pass_on(
        importlib.import_module(f"{_HERE.name}.{_stem}"),
        importlib.import_module(f"{_HERE.name}.{_file.stem}"),
    )
