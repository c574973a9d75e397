"""The names of gRPC's codes, as logs, metrics and traces spell them."""

from collections.abc import Mapping

from google.rpc import code_pb2

CODE_NAMES: Mapping[int, str] = dict(zip(code_pb2.Code.values(), code_pb2.Code.keys(), strict=True))
