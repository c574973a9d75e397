"""The service of a table, drafted: what it is now, and what it was as the protos stand."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from gateway.introspect.tables.table_records import Name
from gateway.proto_files.services import ServedResource, service_file
from gateway.proto_files.text import ProtoFile
from gateway.pull.choices import Choices, Known
from gateway.pull.earlier.committed import HEAD, Committed
from gateway.pull.names import free_name
from gateway.schema.model import MethodKind
from gateway.schema.tables.naming import snake_case


@dataclass(frozen=True, slots=True)
class ServiceDraft:
    """The service of a table.

    Args:
        table: its schema and name.
        served: what the service is of.
        before: the same with the key that stands, where that is another.
        added: the methods that weren't offered yet.
        dropped: the methods that were offered, and are no longer.

    """

    table: Name
    served: ServedResource
    before: ServedResource | None = None
    added: Collection[MethodKind] = ()
    dropped: Collection[MethodKind] = ()

    @property
    def message(self) -> str:
        """The full name of the table's message."""
        return f"{self.served.package}.{self.served.message}"

    @property
    def name(self) -> str:
        """The service's full name."""
        return f"{self.message}Service"


def draft_service(
    table: Name, served: ServedResource, committed: Committed, choices: Choices
) -> ServiceDraft:
    """Return a table's service.

    Args:
        table: its schema and name.
        served: what the service is of.
        committed: the protos as they stand.
        choices: what is asked for, and what was offered.

    """
    old = committed.tables.get(table)
    stands = [old.fields[column].proto for column in old.key] if old else []
    key = [(one.name, one.type) for one in stands]
    before = replace(served, key=key) if stands and key != list(served.key) else None
    offered = choices.known.get(str(table), Known()).methods
    return ServiceDraft(
        table,
        served,
        before,
        [kind for kind in served.kinds if offered and kind.value not in offered],
        [kind for kind in MethodKind if kind.value in offered and kind not in served.kinds],
    )


def new_service_files(
    services: Iterable[ServiceDraft], committed: Committed, choices: Choices
) -> Iterator[ProtoFile]:
    """Yield the files of services that aren't there, and weren't taken out.

    Args:
        services: all of them.
        committed: the protos as they stand.
        choices: what is asked for, and what was offered.

    """
    taken = set(committed.files)
    for one in services:
        old = committed.tables.get(one.table)
        is_there = old is not None and old.full_name == one.message
        was_offered = is_there and choices.known.get(str(one.table), Known()).methods
        if one.name not in committed.services and not was_offered:
            path = _free_path(one.served, taken)
            taken.add(path)
            yield service_file(one.served, path, HEAD, committed.messages)


def _free_path(served: ServedResource, taken: Collection[str]) -> str:
    """Return the path of a service's file: `AB` and `Ab` are two messages, and both `ab` in lower_snake."""
    folder = served.package.replace(".", "/")

    def path(name: str) -> str:
        return f"{folder}/{name}_service.proto"

    return path(free_name(snake_case(served.message), lambda name: path(name) in taken, "_"))
