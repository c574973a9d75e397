"""Calls of all standard methods of a resource, drawn at random, and what came of each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from google.protobuf import json_format

from tests.harness.client import Client, RpcFailed

Request = dict[str, Any]
_NEVER_ALIKE = ("createdAt", "updatedAt", "deletedAt", "nextPageToken", "resumeToken")
_BY_HALF = 0.5


@dataclass(frozen=True, slots=True)
class Drawn:
    """A resource, and what draws its rows.

    Args:
        service: its full name.
        name: the resource's.
        plural: of it.
        key: the names of its key's fields, as JSON has them.
        row: draws one.
        filters: which of them are asked for.
        orders: by what they are ordered.
        paths: masks of updates.
        masks: read masks.
        targets: unique keys of bulk writes.

    """

    service: str
    name: str
    plural: str
    key: Sequence[str]
    row: Callable[[Random], Request]
    filters: Sequence[str] = ("*",)
    orders: Sequence[str] = ("",)
    paths: Sequence[str] = ("", "*")
    masks: Sequence[str] = ("",)
    targets: Sequence[Sequence[str]] = ((),)

    @property
    def one(self) -> str:
        """The field that holds a row."""
        return self.name.lower()

    @property
    def rows(self) -> str:
        """The field that holds several."""
        return self.plural.lower()

    def kind(self, method: str) -> str:
        """Return what a method does, without the resource's name."""
        return method.removesuffix(self.plural).removesuffix(self.name)

    def keyed(self, chance: Random) -> Request:
        """Return a key."""
        row = self.row(chance)
        return {name: row[name] for name in self.key if name in row}

    def requests(self) -> Mapping[str, Callable[[Random], Request]]:
        """Return what draws a request of each method."""
        one, many = self.name, self.plural
        return {
            f"Get{one}": lambda chance: {**self.keyed(chance), **self._read(chance)},
            f"List{many}": lambda chance: {
                **self._found(chance),
                **self._read(chance),
                "order_by": chance.choice(self.orders),
                "page_size": chance.randint(1, 5),
            },
            f"Stream{many}": lambda chance: {**self._found(chance), "order_by": chance.choice(self.orders)},
            f"Count{many}": self._found,
            f"Create{one}": lambda chance: {self.one: self.row(chance), **_again(chance)},
            f"Update{one}": lambda chance: {
                **self._changed(chance),
                "allow_missing": chance.random() < _BY_HALF,
                **_again(chance),
            },
            f"Delete{one}": lambda chance: {**self.keyed(chance), **_missing(chance), **_again(chance)},
            f"BatchGet{many}": lambda chance: self._keys(chance, 4, "keys"),
            f"BatchCreate{many}": lambda chance: {
                "requests": [{self.one: self.row(chance)} for _ in range(chance.randint(1, 2))]
            },
            f"BatchUpdate{many}": lambda chance: {
                "requests": [self._changed(chance) for _ in range(chance.randint(1, 2))]
            },
            f"BatchDelete{many}": lambda chance: self._keys(chance, 2, "requests"),
            f"BulkUpsert{many}": lambda chance: {self.rows: self._several(chance), **self._upserted(chance)},
            f"Ingest{many}": lambda chance: {
                self.rows: self._several(chance),
                "start": self._upserted(chance),
            },
        }

    def _keys(self, chance: Random, count: int, field: str) -> Request:
        """Return several keys, in the field of their name where they are of one field each."""
        keys = [self.keyed(chance) for _ in range(chance.randint(1, count))]
        if len(self.key) > 1:
            return {field: keys}
        return {f"{self.key[0]}s": [value for key in keys for value in key.values()]}

    def _several(self, chance: Random) -> list[Request]:
        return [self.row(chance) for _ in range(chance.randint(1, 6))]

    def _read(self, chance: Random) -> Request:
        return {"read_mask": mask} if (mask := chance.choice(self.masks)) else {}

    def _found(self, chance: Random) -> Request:
        return {"filter": chance.choice(self.filters)}

    def _changed(self, chance: Random) -> Request:
        paths = chance.choice(self.paths)
        return {self.one: self.row(chance), **({"update_mask": paths} if paths else {})}

    def _upserted(self, chance: Random) -> Request:
        return {
            "conflict_target": list(chance.choice(self.targets)),
            "on_conflict": chance.randint(0, 3),
            "on_duplicate": chance.randint(0, 2),
            "partial_failure": chance.random() < _BY_HALF,
            "outcomes": True,
        }


def _missing(chance: Random) -> Request:
    return {"allow_missing": chance.random() < _BY_HALF}


def _again(chance: Random) -> Request:
    """Return the id of a request, mostly none: some of them come twice."""
    number = chance.randint(0, 30)
    return {"request_id": f"00000000-0000-4000-8000-{number:012}"} if number < 6 else {}


async def outcome(client: Client, drawn: Drawn, name: str, request: Request, number: int) -> Any:
    """Return what came of a call: its answer, or why it was refused; `number` tells streams apart."""
    try:
        return await _answered(client, drawn, name, dict(request), number)
    except RpcFailed as error:
        # Of several references that a row breaks another one is told first.
        fields = [] if error.reason == "FOREIGN_KEY_VIOLATION" else sorted(error.fields)
        return error.code.name, error.reason, fields


async def _answered(client: Client, drawn: Drawn, name: str, request: Request, number: int) -> Any:
    method = f"{drawn.service}/{name}"
    if name.startswith("Stream"):
        chunks = [_plain(one) async for one in client.stream(method, request)]
        return [row for chunk in chunks for row in chunk.get(drawn.rows, ())]
    if name.startswith("Ingest"):
        conversation = client.converse(method)
        await conversation.ask(start={**request["start"], "stream_id": f"{drawn.name} {number}"})
        answered = await conversation.ask(**{"sequence": 1, drawn.rows: request[drawn.rows]})
        await conversation.end()
        return _plain(answered)
    if not name.startswith("List"):
        return _plain(await client.call(method, request))
    pages = []
    while True:
        page = await client.call(method, request)
        pages.append(_plain(page))
        if not page.next_page_token:
            return pages
        request["page_token"] = page.next_page_token


def _plain(message: Any) -> Any:
    """Return a message without what no two gateways tell alike; of a row's refusal the code alone."""
    plain = json_format.MessageToDict(message)
    for failure in plain.get("failures", ()):
        failure["status"] = failure["status"]["code"]
    return _without_moments(plain)


def _without_moments(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_moments(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {name: "there" if name in _NEVER_ALIKE else _without_moments(one) for name, one in value.items()}
