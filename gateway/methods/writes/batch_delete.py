"""BatchDelete: rows away, or marked as deleted, all or none (AIP-235)."""

from dataclasses import replace

from google.protobuf.message import Message

from gateway.methods.engine import Engine
from gateway.methods.row_changes.by_key import Edit
from gateway.methods.row_changes.removals import Removal
from gateway.methods.writes.delete import Deleting
from gateway.methods.writes.items import Batch, check_size, flag
from gateway.request.keys import encode_value
from gateway.schema.model import StandardMethod


class BatchDelete(Batch):
    """Answers the rows, in the order of the requests, where the response has them.

    The request holds Delete requests, or keys. `force` and `allow_missing` beside them hold for all.
    A row that is named twice is refused (reason DUPLICATE_IN_BATCH).
    """

    def __init__(self, method: StandardMethod, engine: Engine) -> None:
        self._single = Deleting(method.item or method, engine)
        super().__init__(method, engine, self._single)

    async def _read(self, request: Message) -> list[Removal]:
        roles = self._method.request
        removals = await super()._read(request) if "requests" in roles else self._of_keys(request)
        allow_missing = flag(request, roles, "allow_missing")
        force = flag(request, roles, "force") if "force" in roles else None
        return [
            replace(
                one,
                allow_missing=one.allow_missing or allow_missing,
                force=one.force if force is None else force or bool(one.force),
            )
            for one in removals
        ]

    def _of_keys(self, request: Message) -> list[Removal]:
        name = self._name
        keys = check_size(getattr(request, name), name)
        if self._method.item is not None:
            return [self._single.read(key, f"{name}[{i}]") for i, key in enumerate(keys)]
        (field,) = self._method.resource.key_fields
        places = [f"{name}[{i}]" for i in range(len(keys))]
        return [
            Removal(Edit({field.column: encode_value(field, key, place)}, place))
            for key, place in zip(keys, places, strict=True)
        ]
