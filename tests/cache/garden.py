"""A garden of few plots, beds, plants and labels: random changes of it, and what reads by key tell of it."""

import asyncio
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any
from uuid import UUID

from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway
from tests.replicas.caller import Caller

PLOTS, PLACES, PLANTS, CODES = (1, 2, 3, 4), (1, 2), (1, 2, 3), ("[1,2]", "[1,3)", "[5,6)")
KEYS: Sequence[tuple[str, Mapping[str, Any]]] = (
    *(("Plot", {"id": id_}) for id_ in PLOTS),
    *(("Bed", {"plot": plot, "place": place}) for plot in PLOTS for place in PLACES),
    *(("Plant", {"id": id_}) for id_ in PLANTS),
    *(("Label", {"code": code}) for code in CODES),
)
_STORED = """
SELECT format('Plot %s', id) AS key, format('%s %s ', name, coalesce(whole, 0)) AS told FROM plot
UNION ALL SELECT format('Bed %s %s', plot, place), format('%s  %s', name, plot) FROM bed
UNION ALL SELECT format('Plant %s', id), format('%s  %s', name, coalesce(plot, 0)) FROM plant
UNION ALL SELECT 'Label ' || text, format('%s  ', name)
    FROM label, unnest(ARRAY['[1,2]', '[1,3)', '[5,6)']) AS text WHERE code = text::int4range
"""
_REFUSALS = {"NOT_FOUND", "ALREADY_EXISTS", "FAILED_PRECONDITION", "INVALID_ARGUMENT"}
Request = tuple[str, Mapping[str, Any]]
"""A method, and what it is sent."""


def _method(verb: str, resource: str) -> str:
    plural = verb.startswith(("Batch", "Bulk", "Ingest")) or verb.endswith("ByFilter")
    verb, suffix = (verb.removesuffix("ByFilter"), "ByFilter") if verb.endswith("ByFilter") else (verb, "")
    return f"plots.v1.{resource}Service/{verb}{resource}{'s' if plural else ''}{suffix}"


class Gardener:
    """Draws changes; each calls what it changes by a name that nothing had before.

    Args:
        seed: the same draws the same.

    """

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - to be repeated
        self._names = 0

    def change(self) -> Request:
        """Return the next change."""
        return self._random.choice(
            [self._single, self._single, self._batch, self._bulk, self._by_filter, self._nested, self._steps]
        )()

    def row(self) -> tuple[str, dict[str, Any]]:
        """Return a row with one of the keys, to be stored."""
        resource, key = self._random.choice(KEYS)
        row: dict[str, Any] = {**key, "name": self._name()}
        if resource == "Plot" and self._random.random() < 0.5:
            row["whole"] = self._random.choice(PLOTS)
        if resource == "Plant":
            row["plot"] = self._random.choice(PLOTS)
        return resource, row

    def _name(self) -> str:
        self._names += 1
        return f"n{self._names}"

    def _single(self) -> Request:
        verb = self._random.choice(["Create", "Update", "Update", "Upsert", "Delete", "Undelete"])
        resource, row = self.row()
        key = {name: row[name] for name in dict(KEYS_OF)[resource]}
        once = {"request_id": str(UUID(int=self._random.getrandbits(128), version=4))}
        extra = once if self._random.random() < 0.2 else {}
        if verb == "Delete":
            force = {"force": self._random.random() < 0.7} if resource == "Plot" else {}
            return _method("Delete", resource), {**key, **force, **extra}
        if verb == "Undelete":
            return _method("Undelete", "Plant"), {"id": self._random.choice(PLANTS), **extra}
        missing = {"allow_missing": True} if verb == "Upsert" else {}
        verb = "Update" if verb == "Upsert" else verb
        return _method(verb, resource), {resource.lower(): row, **missing, **extra}

    def _batch(self) -> Request:
        resource, row = self.row()
        verb = self._random.choice(["BatchCreate", "BatchUpdate", "BatchDelete"])
        key = {name: row[name] for name in dict(KEYS_OF)[resource]}
        if verb != "BatchDelete":
            return _method(verb, resource), {"requests": [{resource.lower(): row}]}
        force = {"force": True} if resource == "Plot" else {}
        keys = {f"{name}s": [value] for name, value in key.items()} if len(key) == 1 else {"requests": [key]}
        return _method(verb, resource), {**keys, **force}

    def _bulk(self) -> Request:
        resource, row = self.row()
        return _method("BulkUpsert", resource), {f"{resource.lower()}s": [row]}

    def _by_filter(self) -> Request:
        resource, row = self.row()
        some = {"filter": f'name > "n{self._names // 2}"', "max_rows": 100}
        if self._random.random() < 0.5:
            return _method("DeleteByFilter", resource), some
        return _method("UpdateByFilter", resource), {**some, resource.lower(): {"name": row["name"]}}

    def _nested(self) -> Request:
        plot = self._random.choice(PLOTS)
        beds = [{"place": place, "name": self._name()} for place in PLACES if self._random.random() < 0.6]
        sent = {"id": plot, "name": self._name(), "beds": beds}
        return _method("Update", "Plot"), {"plot": sent, "update_mask": "name,beds", "allow_missing": True}

    def _steps(self) -> Request:
        if self._random.random() < 0.3:
            return "plots.v1.GardenService/RenameBeds", {"name": self._name()}
        method, sent = self._random.choice([self._single, self._batch, self._bulk, self._nested])()
        message = f"type.googleapis.com/plots.v1.{method.rpartition('/')[2]}Request"
        step = {"method": method.replace("/", "."), "request": {"@type": message, **sent}}
        return "plots.v1.GardenService/Transact", {"steps": [step]}


KEYS_OF = (("Plot", ("id",)), ("Bed", ("plot", "place")), ("Plant", ("id",)), ("Label", ("code",)))


async def changed(caller: Caller, request: Request) -> str:
    """Make a change, which may be refused; return what the call was told of consistency."""
    method, sent = request
    try:
        _, told = await caller.told(method, **sent)
    except RpcFailed as failed:
        if failed.code.name not in _REFUSALS:
            raise
        return ""
    return told


async def seen(caller: Caller, consistency: str) -> list[str | None]:
    """Return what all rows are called, as reads by key tell; None where there is none."""
    return await asyncio.gather(*(_name_of(caller, *one, consistency) for one in KEYS))


async def _name_of(caller: Caller, resource: str, key: Mapping[str, Any], consistency: str) -> str | None:
    try:
        found = await caller.call(_method("Get", resource), consistency=consistency, **key)
    except RpcFailed as failed:
        if failed.reason != "ROW_NOT_FOUND":
            raise
        return None
    return f"{found.name} {getattr(found, 'whole', '')} {getattr(found, 'plot', '')}"


async def stored(gateway: RunningGateway) -> list[str | None]:
    """Return the same as it is stored."""
    rows = {row["key"]: row["told"] for row in await gateway.sql(_STORED)}
    return [rows.get(f"{resource} {' '.join(map(str, key.values()))}") for resource, key in KEYS]
