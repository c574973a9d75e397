"""A call, as a case draws it, and the request that it makes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.row_policies.callers import Caller
from tests.row_policies.reads.aggregates import Asked
from tests.row_policies.reads.queries import KINDS as QUERIES
from tests.row_policies.reads.queries import SERVICES
from tests.row_policies.reads.related import Asked as Related
from tests.row_policies.reads.related import arguments_of, paths_of, target_of
from tests.row_policies.reads.searches import Parts
from tests.row_policies.tables import Row, Table

READS = ("Get", "BatchGet", "List", "Count", "Stream", "Exists", "Aggregate", "Search")
COUNTS = ("Count", "Exists")
BULKS = ("BulkUpsert", "Ingest")
BY_FILTER = ("UpdateByFilter", "DeleteByFilter")


@dataclass(slots=True)
class Item:
    """One row's part of a call.

    Args:
        key: the row's.
        values: what it sets.
        whole: whether an update's mask is `*`; else it names the values.
        etag: `right`, `wrong`, or none.
        allow_missing: whether it is no fault that there is no such row.
        transforms: what is made of stored numbers, by their fields: `increment` and the like, by how much.
        held: rows that are written with it, by relations.

    """

    key: tuple[Any, ...]
    values: Row = field(default_factory=dict)
    whole: bool = False
    etag: str = ""
    allow_missing: bool = False
    transforms: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    held: Mapping[str, Sequence["Item"]] = field(default_factory=dict)


@dataclass(slots=True)
class Call:
    """A caller, a table, a method, and what is asked.

    The mask of a bulk names fields of its rows, which have all the same ones; the others are for new rows.
    Without a mask stored rows take what is set. What goes by a filter has one item, of no key.
    """

    caller: Caller
    table: Table
    kind: str
    items: Sequence[Item] = ()
    filter: str = ""
    order_by: str = ""
    mask: Sequence[str] = ()
    page_size: int = 0
    show_deleted: bool = False
    estimated: bool = False
    allow_missing: bool = False
    validate_only: bool = False
    force: bool = False
    request_id: str = ""
    on_conflict: str = ""
    partial: bool = False
    bulk_mask: Sequence[str] = ()
    max_rows: int = 0
    groups: Asked = field(default_factory=Asked)
    related: Related = field(default_factory=dict)
    level: int = 0
    parts: Parts = field(default_factory=dict)

    @property
    def method(self) -> str:
        """The full name."""
        if self.kind in QUERIES:
            return f"{SERVICES[self.table.name]}/{self.kind}{self.table.plural}"
        return self.table.method(self.kind)

    def request(self, etags: Mapping[tuple[Any, ...], str]) -> Mapping[str, Any]:
        """Return the request in proto JSON, with etags by the items' keys."""
        common = {
            "requestId": self.request_id,
            "validateOnly": self.validate_only,
        }
        if self.kind in READS or self.kind in QUERIES:
            return _set(self._reading() if self.kind in READS else self._querying())
        if self.kind in BULKS:
            return _set({**common, **self._bulk_options(), self.table.rows: self.sent_rows()})
        if self.kind in BY_FILTER:
            return _set({**common, **self._by_filter()})
        if not self.kind.startswith("Batch"):
            return _set({**common, **self._part(self.items[0], etags)})
        if self.kind == "BatchDelete" and self.table.by_keys:
            return _set(
                {**common, "allowMissing": self.allow_missing, "ids": [item.key[0] for item in self.items]}
            )
        parts = [_set(self._part(item, etags)) for item in self.items]
        whole = {"allowMissing": self.allow_missing} if self.kind == "BatchDelete" else {}
        return _set({**common, **whole, "requests": parts})

    def start(self) -> Mapping[str, Any]:
        """Return what starts an Ingest."""
        return _set({**self._bulk_options(), "streamId": self.request_id})

    def _bulk_options(self) -> Mapping[str, Any]:
        return {
            "onConflict": self.on_conflict,
            "partialFailure": self.partial,
            "outcomes": True,
            "updateMask": ",".join(_camel(name) for name in self.bulk_mask),
        }

    def sent_rows(self) -> Sequence[Mapping[str, Any]]:
        """Return the items as rows in proto JSON."""
        return [_row(self.table, item) for item in self.items]

    def _reading(self) -> Mapping[str, Any]:
        paths = [*(self.mask or ("*",)), *paths_of(self.table, self.related)] if self.related else self.mask
        fields: dict[str, Any] = {"readMask": ",".join(_camel(name) for name in paths)}
        if self.related:
            fields["relations"] = list(arguments_of(self.table, self.related))
        if self.kind == "Get":
            return {**fields, **self._key(self.items[0])}
        if self.kind == "BatchGet":
            keys = [self._key(item) for item in self.items]
            composite = len(self.table.key) > 1
            return {**fields, **({"keys": keys} if composite else {"ids": [key["id"] for key in keys]})}
        fields |= {"filter": self.filter, "showDeleted": self.show_deleted and self.table.soft}
        if self.kind in ("Exists", "Aggregate"):
            return {**fields, **self._groups()}
        if self.kind == "Search":
            return {**fields, **self.parts, "pageSize": 1000}
        if self.kind == "Count":
            mode = "COUNT_MODE_ESTIMATED" if self.estimated else "COUNT_MODE_EXACT"
            return {**fields, "readMask": "", "mode": mode}
        return {
            **fields,
            "orderBy": self.order_by,
            **({"pageSize": self.page_size} if self.kind == "List" else {}),
        }

    def _querying(self) -> Mapping[str, Any]:
        asked = {"validateOnly": self.validate_only, **self.items[0].values}
        return {"level": self.level, **({} if self.kind in ("ListOwn", "Counted") else asked)}

    def _by_filter(self) -> Mapping[str, Any]:
        asked = {"filter": self.filter, "maxRows": self.max_rows}
        if self.kind == "DeleteByFilter":
            return asked
        row = {name: _json(self.table, name, value) for name, value in self.items[0].values.items()}
        return {
            **asked,
            self.table.lower: _set(row, keep_zeros=True),
            "updateMask": self._mask(self.items[0]),
            **_transforms(self.items[0]),
        }

    def _groups(self) -> Mapping[str, Any]:
        if self.kind == "Exists":
            return {"readMask": ""}
        return {
            "readMask": ",".join(_camel(name) for name in self.groups.mask),
            "groupBy": list(self.groups.keys),
            "having": self.groups.having,
            "pageSize": 1000,
        }

    def _part(self, item: Item, etags: Mapping[tuple[Any, ...], str]) -> Mapping[str, Any]:
        etag = etags.get(item.key, "") if item.etag else ""
        if self.kind.endswith("elete"):
            return {**self._key(item), "etag": etag, "allowMissing": item.allow_missing, "force": self.force}
        row = _row(self.table, item)
        if self.kind.endswith("Create"):
            return {self.table.lower: row}
        row |= {"etag": etag} if etag else {}
        return {
            self.table.lower: row,
            "updateMask": self._mask(item),
            "allowMissing": item.allow_missing,
            **_transforms(item),
        }

    def _mask(self, item: Item) -> str:
        names = ["*"] if item.whole else [*item.values]
        return ",".join(_camel(name) for name in (*names, *paths_of(self.table, self.related)))

    def _key(self, item: Item) -> dict[str, Any]:
        return dict(zip(self.table.key, item.key, strict=True))


def _row(table: Table, item: Item) -> dict[str, Any]:
    """Return a row, and those that it holds, in proto JSON."""
    row = {name: _json(table, name, value) for name, value in item.values.items()}
    held = {name: [_row(target_of(table, name), one) for one in items] for name, items in item.held.items()}
    return {**_set(row, keep_zeros=True), **dict(zip(table.key, item.key, strict=True)), **held}


def _transforms(item: Item) -> Mapping[str, Any]:
    made = [{"field": name, kind: by} for name, (kind, by) in item.transforms.items()]
    return {"transforms": made} if made else {}


def _set(fields: Mapping[str, Any], *, keep_zeros: bool = False) -> dict[str, Any]:
    return {
        name: value
        for name, value in fields.items()
        if value is not None and (keep_zeros or value not in ("", False))
    }


def _json(table: Table, name: str, value: Any) -> Any:
    if table.fields[name].kind == "document" and table.fields[name].optional and value is not None:
        return json.loads(value)
    return value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
