"""Authored methods: RPCs that are answered by a handler of their author's, in Python."""

from dataclasses import dataclass

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from rowgate.v1 import annotations_pb2

from gateway.schema.diagnostics import Diagnostic, Diagnostics, Element
from gateway.schema.model import Method
from gateway.schema.protos.options import http_rule
from gateway.schema.routes import read_routes
from gateway.schema.services.allow import read_allow

KIND = "HANDLER"
"""What these methods are called where calls of one kind are weighed or bounded together."""


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class AuthoredMethod(Method):
    """An RPC that is answered by a handler of its author's."""

    element: Element
    """Where it is declared."""

    @property
    def kind_name(self) -> str:
        """That of all authored methods."""
        return KIND

    @property
    def reads(self) -> bool:
        """Whether it is said to change nothing, by protobuf's own option."""
        options = self.descriptor.GetOptions()
        unary = not (self.descriptor.client_streaming or self.descriptor.server_streaming)
        return unary and bool(options.idempotency_level == MethodOptions.NO_SIDE_EFFECTS)

    @property
    def converses(self) -> bool:
        """Whether both of its sides stream."""
        return bool(self.descriptor.client_streaming and self.descriptor.server_streaming)

    def wrong(self, wrong: str, right: str) -> Diagnostic:
        """Return a diagnostic of it."""
        return Diagnostic(self.element.file, self.element.line, self.full_name, wrong, right)


def read_authored(
    method: MethodDescriptor, options: annotations_pb2.MethodOptions, diagnostics: Diagnostics
) -> AuthoredMethod:
    """Return the method, no field of which is bound to anything; what is wrong with it is noted."""
    if options.kind or options.resource or options.HasField("by_filter") or options.HasField("sql"):
        wrong = "is answered by a handler, and has options of another method"
        diagnostics.add(method.full_name, wrong, "leave either out")
    return AuthoredMethod(
        descriptor=method,
        routes=read_routes(http_rule(method.full_name, diagnostics)),
        allow=read_allow(method, diagnostics),
        element=diagnostics.elements[method.full_name],
    )
