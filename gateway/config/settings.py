"""The settings, by section. Durations are seconds, sizes are bytes.

A field's description is its line in docs/configuration.md and in `--help`.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, SecretStr

from gateway.config.address import Address, addresses, admin_address, host_name, listed, origin
from gateway.config.auth_settings import AuthSettings
from gateway.config.section import Section
from gateway.config.worker_count import AUTO, WorkerCount, worker_count

MIB = 1024 * 1024

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Wait = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Origin = Annotated[str, AfterValidator(origin)]
HostName = Annotated[str, AfterValidator(host_name)]
CallWeight = Annotated[str, Field(pattern=r"^[A-Z_]{1,32}=[1-9][0-9]{0,5}$")]
MessageBytes = Annotated[int, Field(ge=1024, le=1024 * MIB)]


class SchemaSettings(Section):
    """Where the schema comes from."""

    protos: Path | None = None
    """a folder of .proto files, compiled at start"""
    descriptor_set: Path | None = None
    """a descriptor set with imports, in place of `protos`"""
    migrations: Path | None = None
    """the folder of migrations"""


class DatabaseSettings(Section):
    """Which PostgreSQL, and how it is used."""

    dsn: SecretStr | None = None
    """a DSN or libpq URL; without one, and without PG* variables, an embedded PostgreSQL in `data_dir`"""
    read_dsn: SecretStr | None = None
    """a DSN whose hosts are each a replica (hot standby), for reads that need not be of the primary"""
    replica_wait: Seconds = 0.1
    """longest wait of a read for a replica to have what it asks for; then it goes to the primary"""
    data_dir: Path = Path(".rowgate")
    """the folder of the embedded PostgreSQL and of generated keys"""
    pool_size: Annotated[int, Field(ge=1, le=1000)] = 8
    """connections to the database; one table or client may hold five eighths, one kind three quarters"""
    gateways: Annotated[int, Field(ge=0, le=10_000)] = 1
    """gateways that share it: at start all their connections are compared with what it takes; 0 is never"""
    queue_size: Annotated[int, Field(ge=0)] = 1000
    """calls that may wait for a connection, shared as `max_in_flight` is; more are refused at once"""
    acquire_timeout: Wait = 5.0
    """longest wait of a call for a connection"""
    max_queue_delay: Wait = 5.0
    """longest wait of a call for a connection while the queue hasn't been empty for this long"""
    connect_timeout: Wait = 10.0
    """longest wait for a connection to be made, to each of several hosts"""
    start_timeout: Seconds = 30.0
    """at start, longest wait for a database that doesn't answer yet; the first attempt has 5 s"""
    statement_timeout: Seconds = 300.0
    """longest run of one statement, held by PostgreSQL; 0 is without end"""
    lock_timeout: Seconds = 30.0
    """longest wait for a lock, held by PostgreSQL; 0 is without end"""
    migrate_lock_timeout: Seconds = 5.0
    """longest wait for a lock at `rowgate migrate`, which tries five times; 0 is without end"""
    idle_in_transaction_timeout: Seconds = 60.0
    """longest idleness inside a transaction, held by PostgreSQL; 0 is without end"""
    idle_lifetime: Seconds = 300.0
    """how long an unused connection is kept; 0 is without end"""
    statement_cache_size: Annotated[int, Field(ge=0, le=100_000)] = 512
    """prepared statements kept per connection; 0 for poolers that can't keep them"""
    close_timeout: Seconds = 10.0
    """at shutdown, longest wait for statements under way"""
    max_cursors: Annotated[int, Field(ge=0, le=1000)] = 4
    """Stream calls that may read at once, shared as `pool_size` is; each keeps a connection"""
    cursor_stall_timeout: Seconds = 2.0
    """how long the client of a Stream may take nothing before another Stream may have its place"""
    max_sessions: Annotated[int, Field(ge=0, le=1000)] = 4
    """Session calls at once, a quarter of `pool_size` at most, half of them one caller's"""
    application_name: Annotated[str, Field(max_length=63)] = "rowgate"
    """what pg_stat_activity calls the connections"""
    request_id_retention: Annotated[float, Field(ge=60, allow_inf_nan=False)] = 86_400.0
    """how long the answer to a request_id is kept, where `request_id_max_bytes` has room for it"""
    request_id_max_bytes: Annotated[int, Field(ge=MIB)] = 1024 * MIB
    """size of what is kept for request ids: past it the oldest go, then answers, and past twice it new ids"""
    request_id_answer_bytes: Annotated[int, Field(ge=0, le=64 * MIB)] = MIB
    """size of an answer that is kept; a repetition is told ALREADY_EXISTS where it was larger"""
    ingest_retention: Annotated[float, Field(ge=60, allow_inf_nan=False)] = 604_800.0
    """how long an Ingest stream can be resumed after its last chunk, at least"""
    audit_retention: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """how long rows of `rowgate.audit` are kept; 0 for ever"""


class CacheSettings(Section):
    """Rows that are kept in memory, of tables whose protos say so."""

    flat_prefix: ClassVar[str] = "cache_"

    max_bytes: Annotated[int, Field(ge=0)] = 64 * MIB
    """size of the rows that are kept, about, shared among workers; 0 keeps none, nor in `url`"""
    url: SecretStr | None = None
    """a Redis or Valkey in which gateways keep rows together: `redis://host`, `rediss://` or `unix://`"""
    url_file: Path | None = None
    """a file that holds it, in place of `url`"""
    timeout: Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)] = 0.1
    """longest wait of a call for it; one that is late counts as empty until it answers again"""
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")] = "rowgate"
    """what the names of its keys begin with, before a colon"""
    tls_ca: Path | None = None
    """certificates, PEM, one of which must have signed its own, in place of the machine's"""


class CoalesceSettings(Section):
    """How calls that arrive together share statements."""

    flat_prefix: ClassVar[str] = "coalesce_"

    reads: bool = True
    """whether reads by key that arrive while another is under way share the next statement"""
    writes: bool = True
    """whether writes of single rows that arrive while another is under way share the next statement"""
    max_concurrent_batches: Annotated[int, Field(ge=1, le=100)] = 4
    """shared statements of one kind that may be under way; each takes a connection"""
    max_delay: Seconds = 0.005
    """longest wait for the statement under way before the next one starts beside it"""
    max_batch_size: Annotated[int, Field(ge=1, le=10_000)] = 512
    """most rows of one shared statement"""
    max_waiting: Annotated[int, Field(ge=0)] = 10_000
    """reads, and writes, that may wait for a statement to share; more are refused at once"""


class ServerSettings(Section):
    """Where the server listens, and how it ends calls and connections."""

    listen: Annotated[tuple[Address, ...], BeforeValidator(addresses), Field(min_length=1)] = (
        Address("127.0.0.1", 50051),
    )
    """addresses to listen on: `host:port`, `[IPv6]:port` or `unix:PATH`; port 0 takes a free one"""
    allowed_hosts: Annotated[tuple[HostName, ...], BeforeValidator(listed)] = ()
    """host names that clients may use, beside localhost: `db.internal`, `*.example.com`; `*` allows all"""
    transport: Literal["http", "grpcio"] = "http"
    """http, for all protocols, or grpcio: gRPC alone, by grpc.aio's server, in one process"""
    handlers: Annotated[tuple[str, ...], BeforeValidator(listed)] = ()
    """Python files (`app.py`) or modules with handlers and hooks of your own"""
    workers: Annotated[WorkerCount, PlainValidator(worker_count)] = AUTO
    """processes that serve, which share connections, pool and limits; auto: one a processor, where it can"""
    tls_cert: Path | None = None
    """the server's certificate chain, PEM; changed TLS files are taken up at once, but by grpcio"""
    tls_key: Path | None = None
    """the certificate's private key, PEM"""
    tls_client_ca: Path | None = None
    """certificates, PEM, one of which must have signed each client's"""
    reflection: bool = True
    """whether clients may ask for the schema"""
    default_deadline: Wait = 30.0
    """time of a call whose caller sets no deadline"""
    max_deadline: Wait = 300.0
    """longest time of a call; a later deadline is cut to it"""
    stream_deadline: Wait = 3600.0
    """longest time of a call that streams, and of one whose caller sets no deadline"""
    stream_send_timeout: Wait = 30.0
    """longest wait for a client to take a streamed response; then the call ends"""
    lame_duck: Seconds = 0.0
    """at shutdown, how long calls are still taken after health says NOT_SERVING"""
    drain_timeout: Seconds = 20.0
    """at shutdown, longest wait for the calls under way"""
    min_ping_interval: Wait = 5.0
    """shortest interval at which clients may send keepalive pings; set theirs to twice this, for jitter"""
    keepalive_interval: Wait = 60.0
    """interval at which the server pings a silent client"""
    keepalive_timeout: Wait = 20.0
    """how long a ping may stay without answer"""
    max_connection_age: Seconds = 0.0
    """age at which a connection is renewed, so that clients spread anew; 0 is never"""
    probe_interval: Wait = 5.0
    """interval at which health asks the database"""
    rebalance_interval: Seconds = 10.0
    """with workers: how long one may have clearly more to do before clients move to others; 0 is never"""
    worker_start_timeout: Wait = 60.0
    """with workers: longest start of one beside `start_timeout`; past it the worker is ended"""
    liveness_interval: Seconds = 5.0
    """with workers: interval at which the supervisor asks each whether it answers calls; 0 is never"""
    liveness_timeout: Wait = 5.0
    """with workers: longest wait for such an answer"""
    liveness_failures: Annotated[int, Field(ge=1, le=100)] = 3
    """with workers: missing answers in a row after which a worker is ended, and started again"""


class HttpSettings(Section):
    """What is answered on the same port, beside gRPC."""

    flat_prefix = "http_"

    grpc_web: bool = True
    """whether gRPC-Web is answered"""
    connect: bool = True
    """whether Connect is answered, with protobuf or JSON"""
    rest: bool = True
    """whether the routes that the protos name with google.api.http are answered, with JSON"""
    allowed_origins: Annotated[tuple[Origin, ...], BeforeValidator(listed)] = ()
    """origins of web pages that may call, such as `https://shop.example.com`; `*` is every page"""
    json_proto_names: bool = False
    """REST: whether JSON has the protos' field names, not lowerCamelCase"""
    json_defaults: bool = False
    """REST: whether JSON has fields that hold their type's default, such as 0"""


class LimitSettings(Section):
    """What one server takes at once."""

    max_in_flight: Annotated[int, Field(ge=1)] = 1000
    """calls under way: half for one caller, else shared as `pool_size` is; more are refused"""
    max_request_bytes: MessageBytes = 64 * MIB
    """size of a request; over grpcio 16777216 at most"""
    max_response_bytes: MessageBytes = 64 * MIB
    """size of a response"""
    stream_chunk_bytes: Annotated[int, Field(ge=1024, le=64 * MIB)] = 256 * 1024
    """size of one response of a stream; a row that is larger comes alone"""
    bulk_max_rows: Annotated[int, Field(ge=1, le=10_000_000)] = 100_000
    """rows of one BulkUpsert, and of one chunk of Ingest: they are held in memory, and are one transaction"""
    session_idle_timeout: Annotated[float, Field(gt=0, le=3600)] = 10.0
    """how long a Session may wait for its client's next message; then it is rolled back"""
    session_timeout: Annotated[float, Field(gt=0, le=3600)] = 60.0
    """how long a Session may last in all; then it is rolled back"""
    handler_max_messages: Annotated[int, Field(ge=1, le=1_000_000_000)] = 100_000
    """requests of one stream that a handler in Python reads; one more ends the call"""
    max_row_bytes: MessageBytes = 16 * MIB
    """size of one row of a request, and of any other of its fields"""
    max_row_elements: Annotated[int, Field(ge=1000, le=10_000_000)] = 16_384
    """fields of one row of a request and of the messages in it, with the elements of their lists and maps"""
    max_concurrent_bulk: Annotated[int, Field(ge=1, le=1000)] = 4
    """calls of one BulkUpsert or Ingest method that may hold a connection at once; others wait without one"""
    max_metadata_bytes: Annotated[int, Field(ge=1024, le=MIB)] = 16 * 1024
    """size of a call's metadata"""
    max_request_bytes_in_flight: Annotated[int, Field(ge=1024)] = 256 * MIB
    """bytes of requests under way, at least two of the largest; one connection may hold five eighths"""
    max_response_bytes_in_flight: Annotated[int, Field(ge=1024)] = 256 * MIB
    """bytes of responses over 64 KiB that clients haven't taken yet; one connection may hold five eighths"""
    max_concurrent_streams: Annotated[int, Field(ge=1)] = 1000
    """calls under way on one connection: its share of `max_in_flight` at most, over grpcio 100; more wait"""
    max_connections: Annotated[int, Field(ge=1)] = 20_000
    """connections to the server; more are refused"""
    caller_rate: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """calls a second of one caller, as they weigh: a principal, or an address without one; 0 is any number"""
    caller_burst: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    """calls at once of one caller who has rested; 0 is what `caller_rate` allows in a second"""
    caller_weights: Annotated[tuple[CallWeight, ...], BeforeValidator(listed)] = (
        *("LIST=5", "COUNT=5", "BATCH_GET=5", "BATCH_CREATE=5", "BATCH_UPDATE=5", "BATCH_DELETE=5"),
        *("AGGREGATE=5", "EXISTS=5", "SEARCH=5"),
        *("BULK_UPSERT=20", "STREAM=20", "INGEST=20"),
    )
    """as how many a call counts, by the kind of its method; 1 where it isn't named"""
    caller_in_flight: Annotated[int, Field(ge=0)] = 0
    """calls under way of one caller; 0 is its share of `max_in_flight`"""

    @property
    def max_taken_bytes(self) -> int:
        """The most bytes of a request that is taken in: past the limit, so that the error can name it."""
        return min(2 * self.max_request_bytes, self.max_request_bytes + MIB)

    @property
    def request_memory(self) -> int:
        """Bytes of requests that are held at most: two of the largest that are taken in have room."""
        return max(self.max_request_bytes_in_flight, 2 * self.max_taken_bytes)

    @property
    def max_read_bytes(self) -> int:
        """The most bytes that a statement may return for a response, as PostgreSQL sends them."""
        return max(self.max_response_bytes, MIB)

    @property
    def response_memory(self) -> int:
        """Bytes of responses that are held at most: two of the largest have room."""
        return max(self.max_response_bytes_in_flight, 2 * self.max_read_bytes)


class LogSettings(Section):
    """What is written to standard error."""

    flat_prefix: ClassVar[str] = "log_"

    level: Literal["debug", "info", "warning", "error"] = "info"
    """the least level that is written: debug, info, warning or error"""
    format: Literal["auto", "json", "console"] = "auto"
    """json, one object a line; console, for eyes; auto, console on a terminal and json elsewhere"""
    access: Literal["all", "errors", "none"] = "all"
    """which calls get a line: all, errors or none"""
    slow_statement: Seconds = 0.0
    """statements that take longer than this get a line, with name and method, never values; 0 is none"""
    slow_call: Seconds = 0.0
    """calls that take longer than this get a line, with what they waited for; 0 is none"""


class AdminSettings(Section):
    """What operators ask of a server, beside the port of its callers."""

    flat_prefix: ClassVar[str] = "admin_"

    listen: Annotated[Address | None, BeforeValidator(admin_address)] = None
    """where metrics and probes are answered: a port, for this machine alone, `host:port` or `unix:PATH`"""


class TraceSettings(Section):
    """Traces of calls, sent to a collector; they take the extra `rowgate[otel]`."""

    flat_prefix: ClassVar[str] = "traces_"

    endpoint: Annotated[str, Field(pattern=r"^https?://[^\s/]+$")] | None = None
    """the collector, for OTLP over gRPC, such as `http://127.0.0.1:4317`; without one there are no traces"""
    sample_ratio: Annotated[float, Field(ge=0, le=1)] = 0.01
    """part of the calls that are traced, of those whose callers don't say (`traceparent`)"""
    max_followed: Annotated[int, Field(ge=0)] = 100
    """calls a second that are traced because their callers say so"""


class TokenSettings(Section):
    """The key of page tokens. Gateways that serve one schema side by side need the same."""

    secret: SecretStr | None = None
    """the key, any text of 16 characters or more"""
    secret_file: Path | None = None
    """a file that holds it, in place of `secret`"""


@dataclass(frozen=True, slots=True)
class Share:
    """Which of a server's settings a process has: all of them, or a worker's part.

    Args:
        worker: its number, from 0 on.
        workers: how many there are.
        pool_size: that of the whole server; None where the process has all of it.

    """

    worker: int = 0
    workers: int = 1
    pool_size: int | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """All of them."""

    schema: SchemaSettings = field(default_factory=SchemaSettings)
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    coalesce: CoalesceSettings = field(default_factory=CoalesceSettings)
    cache: CacheSettings = field(default_factory=CacheSettings)
    server: ServerSettings = field(default_factory=ServerSettings)
    http: HttpSettings = field(default_factory=HttpSettings)
    auth: AuthSettings = field(default_factory=AuthSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    log: LogSettings = field(default_factory=LogSettings)
    admin: AdminSettings = field(default_factory=AdminSettings)
    traces: TraceSettings = field(default_factory=TraceSettings)
    tokens: TokenSettings = field(default_factory=TokenSettings)
    share: Share = field(default_factory=Share)
