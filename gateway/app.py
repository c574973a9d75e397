"""The composition root: the one place where the parts are put together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.config.address import Address
from gateway.config.settings import LimitSettings, ServerSettings
from gateway.db.database import Database
from gateway.methods import HANDLERS, Engine, Handler
from gateway.schema.model import Method, Schema
from gateway.schema.read import read_schema
from gateway.schema.tables import build_tables
from gateway.transport.server import GrpcServer


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """What serving needs to know; gateway.config fills it."""

    dsn: str
    host: str = "127.0.0.1"
    port: int = 0
    pool_size: int = 8


def bind(schema: Schema, engine: Engine) -> Mapping[str, Sequence[tuple[Method, Handler]]]:
    """Return each service's methods with their handlers, made once."""
    return {
        name: [(m, HANDLERS[m.kind](m, engine)) for m in service.methods if m.kind in HANDLERS]
        for name, service in schema.services.items()
    }


class Gateway:
    """A schema being served. Parts are closed in the reverse order of their start."""

    def __init__(self, schema: Schema, database: Database, server: GrpcServer, port: int) -> None:
        self.schema = schema
        self.port = port
        self._database = database
        self._server = server

    @classmethod
    async def start(cls, descriptors: FileDescriptorSet, settings: ServeSettings) -> "Gateway":
        """Read the schema, connect, bind and listen; a start that fails closes what it opened.

        Raises gateway.schema.faults.SchemaError and gateway.errors.Unavailable.
        """
        schema = read_schema(descriptors)
        database = await Database.open(settings.dsn, pool_size=settings.pool_size)
        try:
            engine = Engine(database=database, tables=build_tables(schema).tables)
            listen = ServerSettings(listen=(Address(settings.host, settings.port),))
            server = GrpcServer(bind(schema, engine), descriptors, listen, LimitSettings())
            return cls(schema, database, server, await server.start())
        except BaseException:
            await database.close()
            raise

    async def stop(self, grace: float = 10) -> None:
        """Drain for at most `grace` seconds, then close."""
        await self._server.stop(grace)
        await self._database.close()
