"""Strategies of steps: the calls that fill a table, change it, and ask for all that it then holds."""

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from tests.generated_schemas.altering import subject
from tests.generated_schemas.filters import Pools, may_be_there, of_zeros_inside, questions, trees
from tests.generated_schemas.model import zero_of
from tests.generated_schemas.schemas import Column, Schema

Step = tuple[Any, ...]
"""The name of what is done, and with what."""
Row = dict[str, Any]
Draw = st.SearchStrategy[Any]

_STALE = 9
"""A version that no row reaches."""
_ASKED_COLUMNS = 4
"""The most columns that are asked for one by one."""
_WORDS = st.sampled_from(["create", "update", "upsert"])


@st.composite
def steps_of(draw: st.DrawFn, schema: Schema) -> tuple[Step, ...]:
    """Return what is done with a schema's table, in order."""
    pools = draw(_pools(schema))
    found = _Steps(schema, pools, draw(_keys(schema, pools)))
    fill, last = found.fill(), found.create_last()
    among = draw(st.permutations(found.any()))[: draw(st.integers(4, 7))]
    return tuple(draw(step) for step in [fill, last, *among, *found.refused(), *found.asked(draw)])


@st.composite
def _pools(draw: st.DrawFn, schema: Schema) -> Pools:
    """Return the values that rows hold: few, so that some are equal, and the zero among them."""
    apart = {name for names in schema.unique for name in names}
    if schema.altered and (column := subject(schema)) is not None:
        apart.add(column.name)
    return {column.name: draw(_pool(column, 8 if column.name in apart else 3)) for column in schema.columns}


@st.composite
def _pool(draw: st.DrawFn, column: Column, size: int) -> list[Any]:
    of = column.of
    has_zero = of.zero and not column.identity and (of.repeated or column.is_enum or not of.message)
    return [*(draw(column.good) for _ in range(size)), *([zero_of(of)] if has_zero else [])]


def _keys(schema: Schema, pools: Pools) -> st.SearchStrategy[list[Row]]:
    """Return keys, most of which differ."""
    key = st.fixed_dictionaries({name: st.sampled_from(pools[name]) for name in schema.key})
    return st.lists(key, min_size=4, max_size=5)


@st.composite
def _rows(draw: st.DrawFn, schema: Schema, pools: Pools, key: Mapping[str, Any]) -> Row:
    """Return rows of a key: their values by field."""
    values = dict(key)
    for column in schema.written:
        if column.oneof and any(schema.by_name[name].oneof for name in values):
            continue
        needed = (not column.has_presence and not column.of.zero) or (
            column.not_null and not column.has_default
        )
        if needed or len(schema.columns) > 20 or draw(st.integers(0, 2)):
            values[column.name] = draw(st.sampled_from(pools[column.name]))
    return values


class _Steps:
    """Strategies of steps over one schema.

    Args:
        schema: of the table.
        pools: the values of its rows.
        keys: those of its rows; all but the last are stored first of all.

    """

    def __init__(self, schema: Schema, pools: Pools, keys: Sequence[Row]) -> None:
        self._schema = schema
        self._pools = pools
        self._keys = keys
        self._key = st.sampled_from([*keys, *map(self._respelled, keys)])
        self._row = self._key.flatmap(self._row_of)
        self._fresh = st.fixed_dictionaries({key.name: key.good for key in schema.keys}).flatmap(self._row_of)
        self._masks = self._any_mask()
        self._versions = st.sampled_from([None, None, 1, 2]) if self._has_etag else st.none()
        self._unless_key = st.none() if "etag" in schema.key else self._versions
        self._missing = st.just(False) if "allow_missing" in schema.key else st.booleans()
        self._create = _tuples("create", self._row | self._fresh)
        self._update = _tuples("update", self._row, self._masks, st.booleans(), self._versions)
        self._delete = _tuples("delete", self._key, self._missing, self._unless_key)
        self._upsert = self._options()

    @property
    def _has_etag(self) -> bool:
        return "etag" in self._schema.roles

    def _respelled(self, key: Row) -> Row:
        """Return the key as it may be spelled, too."""
        return {name: self._schema.by_name[name].of.respelled(value) for name, value in key.items()}

    def _row_of(self, key: Mapping[str, Any]) -> st.SearchStrategy[Row]:
        return _rows(self._schema, self._pools, key)

    def _any_mask(self) -> Draw:
        names = st.sampled_from([column.name for column in self._schema.columns])
        return st.none() | st.just(["*"]) | st.lists(names, min_size=1, max_size=3, unique=True)

    def _options(self) -> Draw:
        return st.fixed_dictionaries(
            {
                "on_conflict": st.sampled_from([0, 1, 1, 2, 3]),
                "on_duplicate": st.sampled_from([1, 1, 2]),
                "update_mask": self._masks.map(lambda mask: mask or []),
                "partial_failure": st.sampled_from([True, True, False]),
            }
        )

    def fill(self) -> Draw:
        """Store rows, one of them twice: the key is spelled in two ways where it can be."""
        keys = [*self._keys[:-1], self._respelled(self._keys[0])]
        plain = {"on_conflict": 1, "on_duplicate": 1, "update_mask": [], "partial_failure": True}
        rows = st.tuples(*map(self._row_of, keys)).map(list)
        return st.tuples(st.sampled_from(["upsert", "ingest"]), rows, st.just(plain))

    def create_last(self) -> Draw:
        """Create a row whose key isn't stored yet, as a rule."""
        return _tuples("create", self._row_of(self._keys[-1]))

    def any(self) -> list[Draw]:
        """Return each kind of step once."""
        key, row, create, update, delete = self._key, self._row, self._create, self._update, self._delete
        rows, order = st.lists(row, max_size=4), self._order()
        filters = trees(self._schema, self._pools)
        found = [
            create,
            update,
            update,
            delete,
            _tuples("upsert", rows, self._upsert),
            _tuples("upsert", rows, self._upsert),
            _tuples("ingest", rows, self._upsert),
            _tuples("get", key, self._masks),
            _tuples("dry_run", create | update | delete),
            _tuples("unknown", _WORDS, row),
            _tuples("batch_get", st.lists(key, max_size=3)),
            _tuples("list", filters, order, st.integers(1, 3), st.booleans()),
            *(self._batch(verb, of) for verb, of in [("create", create), ("update", update)]),
            *[self._batch("delete", delete)] * 2,
        ]
        if "soft_delete" in self._schema.roles:
            found.append(_tuples("undelete", key, self._unless_key))
        if bad := self._bad():
            found += [_tuples("refused", _WORDS, row, st.sampled_from(bad))] * 2
        return found

    def _batch(self, verb: str, item: Draw) -> Draw:
        def key_of(one: Step) -> str:
            return repr(self._respelled({name: one[1][name] for name in self._schema.key}))

        apart = st.lists(item, min_size=1, max_size=3, unique_by=key_of)
        return _tuples("batch", st.just(verb), apart | apart | st.lists(item, min_size=2, max_size=3))

    def _bad(self) -> list[tuple[str, Any]]:
        return [
            (column.name, value)
            for column in self._schema.columns
            for value in column.of.bad
            if column.is_written or column.name in self._schema.key
            if not (column.is_enum and self._schema.syntax == "proto2")
        ]

    def _order(self) -> Draw:
        names = [column.name for column in self._schema.columns if column.of.ordered]
        if not names:
            return st.just("")
        terms = st.tuples(st.sampled_from(names), st.sampled_from(["", " desc"])).map("".join)
        several = st.lists(terms, min_size=1, max_size=2, unique_by=lambda term: term.split()[0])
        return several.map(", ".join)

    def refused(self) -> list[Draw]:
        """Return what is refused wherever it can be asked for."""
        found = [
            _tuples("below", self._row, st.just(column.name))
            for column in self._schema.written
            if column.kind == "part"
        ][:1]
        if self._has_etag and "etag" not in self._schema.key:
            stale = st.just(("delete", self._keys[0], False, _STALE))
            found.append(stale | _tuples("batch", st.just("delete"), st.tuples(stale).map(list)))
        return found

    def asked(self, draw: st.DrawFn) -> list[Draw]:
        """Return what is asked in the end: what is there, and one thing more, of some columns; and orders."""
        columns = draw(st.permutations(self._schema.columns))[:_ASKED_COLUMNS]
        there = [st.just(("count", ("there", column.name))) for column in columns if may_be_there(column)]
        more = [_tuples("count", draw(_question(column, self._pools))) for column in columns]
        zeros = [st.just(("count", zero)) for column in columns for zero in of_zeros_inside(column)]
        pages = _tuples("list", st.none(), self._order(), st.integers(1, 2), st.booleans())
        return [*there, *more, *zeros, pages, pages]


def _tuples(name: str, *parts: Draw) -> Draw:
    return st.tuples(st.just(name), *parts)


def _question(column: Column, pools: Pools) -> st.SearchStrategy[Draw]:
    return st.sampled_from(questions(column)).map(lambda ask: ask(column, pools))
