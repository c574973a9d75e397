"""The Responder of REST: finds the route of a request, and has its method called."""

from collections.abc import Awaitable, Callable, Iterable
from functools import cache, partial

from gateway.config.settings import HttpSettings, Settings
from gateway.errors import RowgateError, Unimplemented
from gateway.errors.status import to_status
from gateway.schema.model import Method
from gateway.transport.protocols.calls import Calls
from gateway.transport.protocols.refused_requests import pass_over
from gateway.transport.protocols.rest.openapi.document import PATH as DOCUMENT
from gateway.transport.protocols.rest.openapi.document import openapi_document
from gateway.transport.protocols.rest.plain import PlainRequests
from gateway.transport.protocols.rest.responses import respond_error, respond_json
from gateway.transport.protocols.rest.routed_method import RoutedMethod
from gateway.transport.protocols.rest.router import Router
from gateway.transport.served_api import ServedApi
from gateway.transport.wire.request import HttpRequest

_READS = ("GET", "HEAD")


class Rest:
    """Answers requests to the routes of methods.

    Args:
        methods: those of a schema.
        calls: runs calls of them.
        http: how JSON is written.
        document: makes the OpenAPI document; None where none is shown.

    """

    def __init__(
        self,
        methods: Iterable[Method],
        calls: Calls,
        http: HttpSettings,
        document: Callable[[], bytes] | None = None,
    ) -> None:
        self._calls = calls
        self._document = None if document is None else cache(document)
        self._router: Router[RoutedMethod] = Router()
        found = [
            (route, RoutedMethod(method, route, http, calls.methods[method.path]))
            for method in methods
            for route in method.routes
        ]
        for route, target in found:
            if route.verb == "GET" and not target.streams:
                self._router.add("HEAD", route.template, target)
        for route, target in found:
            self._router.add(route.verb, route.template, target)
        self.read_plain = PlainRequests(self._router.find, calls.methods).read
        """Reads what the headers of plain calls say, which are answered fast."""

    @classmethod
    def of(cls, api: ServedApi, calls: Calls, settings: Settings) -> "Rest":
        """Return what answers the routes of an API, with its document where reflection is on."""
        names = settings.http.json_proto_names
        document = partial(openapi_document, api.methods, api.descriptors, proto_names=names)
        return cls(api.methods, calls, settings.http, document if settings.server.reflection else None)

    def path_of(self, request: HttpRequest) -> str | None:
        """Return the path of the method that a request's route leads to; None where it leads nowhere."""
        found = self._router.find(request.method, request.path)
        return None if found is None else found[0].path

    def answer(self, request: HttpRequest) -> Awaitable[None] | None:
        """Return what answers a request, which raises Gone; None where its path leads nowhere."""
        found = self._router.find(request.method, request.path)
        if found is not None:
            target, segments = found
            try:
                served = self._calls.method(request, target.path)
            except RowgateError as error:
                return respond_error(request, to_status(error))
            return self._calls.run(request, target.call(request, segments, served, self._calls))
        if self._router.has(request.path) or (request.path == DOCUMENT and self._document is not None):
            return self._answer_otherwise(request)
        return None

    async def _answer_otherwise(self, request: HttpRequest) -> None:
        """Answer what isn't a call: with the document, or with the methods that the path is asked by."""
        await pass_over(request)
        allowed = sorted(self._router.methods(request.path))
        if not allowed and self._document is not None:
            if request.method in _READS:
                await respond_json(request, 200, self._document(), ())
                return
            allowed = list(_READS)
        error = Unimplemented(
            f"{request.method} isn't allowed on this path, which takes {', '.join(allowed)}",
            reason="METHOD_NOT_ALLOWED",
        )
        await respond_error(request, to_status(error), ((b"allow", ", ".join(allowed).encode()),))
