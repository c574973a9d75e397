"""What the three Aggregate methods compute, in SQL by hand, and the questions that ask for it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from tests.queries_oracle import kinds
from tests.queries_oracle.filters.trees import Tree, drawn_filter
from tests.queries_oracle.kinds import Kind
from tests.queries_oracle.questions import Question
from tests.queries_oracle.shown import spelled_order
from tests.queries_oracle.tables import SCHEMAS, Field, Table

ZONES = ("", "Europe/Zurich", "America/New_York", "Pacific/Auckland")
_OF_TIME = "({} AT TIME ZONE {{zone}})"


@dataclass(frozen=True, slots=True)
class Statistics:
    """A message of an Aggregate's rows.

    Args:
        keys: the fields that make groups, and SQL of them over `t`; `{zone}` is the request's zone.
        computed: the others, and SQL that computes them of a group.
        answer: how the message's fields are told, as if they were a table's.

    """

    keys: Mapping[str, str]
    computed: Mapping[str, str]
    answer: Table


def _answer(fields: Mapping[str, tuple[Kind, bool]]) -> Table:
    told = {name: Field(kind, optional) for name, (kind, optional) in fields.items()}
    return Table("groups", "groups", "", (), told)


def _truncated(unit: str, column: str) -> str:
    """Return the start of a unit in the zone, as a moment."""
    return f"(date_trunc('{unit}', {_OF_TIME.format(column)}) AT TIME ZONE {{zone}})"


def _first(count: int, column: str, order: str, rule: str = "true") -> str:
    """Return the first values of an order, but NULLs."""
    rows = f"FILTER (WHERE {column} IS NOT NULL AND {rule})"
    return f"coalesce((array_agg({column} ORDER BY {order}) {rows})[:{count}], '{{{{}}}}')"


_FINITE = "t.guess > -1e300 AND t.guess < 1e300"
_LAST_NOTE = '(array_agg(t.note ORDER BY t.begun_at DESC NULLS LAST, t.patient_id DESC, t."No" DESC))[1]'
STATISTICS: Mapping[str, Statistics] = {
    "Visit": Statistics(
        {
            "paid": "t.paid",
            "doctor_id": "t.doctor_id",
            "month": f"date_trunc('month', {_OF_TIME.format('t.begun_at')})::date",
            "hour": f"extract(hour from {_OF_TIME.format('t.begun_at')})::integer",
        },
        {
            "visits": "count(*)",
            "patients": "count(DISTINCT t.patient_id)",
            "fees": "sum(t.fee)",
            "mean_fee": "avg(t.fee)",
            "least_paid": "min(t.fee) FILTER (WHERE t.paid)",
            "longest": "max(t.lasted)",
            "first_begun": "min(t.begun_at)",
            "last_note": _LAST_NOTE,
            "all_paid": "bool_and(t.paid)",
            "notes": "coalesce((array_agg(DISTINCT t.note))[:3], '{{}}')",
        },
        _answer(
            {
                "paid": (kinds.BOOL, False),
                "doctor_id": (kinds.UUID, True),
                "month": (kinds.DATE, True),
                "hour": (kinds.INT, True),
                "visits": (kinds.BIG, False),
                "patients": (kinds.BIG, False),
                "fees": (kinds.DECIMAL, True),
                "mean_fee": (kinds.DECIMAL, True),
                "least_paid": (kinds.DECIMAL, True),
                "longest": (kinds.DURATION, True),
                "first_begun": (kinds.TIMESTAMP, True),
                "last_note": (kinds.TEXT, True),
                "all_paid": (kinds.BOOL, True),
                "notes": (kinds.WORD_LIST, False),
            }
        ),
    ),
    "Parcel": Statistics(
        {
            "aisle": "t.aisle",
            "rank": 't."group"',
            "week": _truncated("week", "t.packed_at AT TIME ZONE 'UTC'"),
            "year": "extract(year from t.packed_at AT TIME ZONE 'UTC' AT TIME ZONE {zone})::integer",
        },
        {
            "parcels": "count(*)",
            "users": 'count(DISTINCT t."user")',
            "weights": "sum(t.weight)",
            "ranks": 'sum(t."group")',
            "mean_rank": 'avg(t."group")::double precision',
            "middle_rank": "percentile_cont(0.5) WITHIN GROUP (ORDER BY t.last_rank)",
            "dearest": 'max(t."Order")',
            "p90_value": 'percentile_disc(0.9) WITHIN GROUP (ORDER BY t."Order")',
            "first_code": "(array_agg(t.code ORDER BY t.packed_at DESC NULLS LAST, t.code))[1]",
            "some_ranks": _first(4, "t.last_rank", "t.last_rank", "t.\"user\" <> ''"),
        },
        _answer(
            {
                "aisle": (kinds.TEXT, True),
                "rank": (kinds.WRAPPED, True),
                "week": (kinds.TIMESTAMP, True),
                "year": (kinds.INT, True),
                "parcels": (kinds.BIG, False),
                "users": (kinds.BIG, False),
                "weights": (kinds.DECIMAL, True),
                "ranks": (kinds.BIG, True),
                "mean_rank": (kinds.DOUBLE, True),
                "middle_rank": (kinds.DOUBLE, True),
                "dearest": (kinds.DECIMAL, True),
                "p90_value": (kinds.DECIMAL, True),
                "first_code": (kinds.TEXT, True),
                "some_ranks": (kinds.SMALL_LIST, False),
            }
        ),
    ),
    "Sighting": Statistics(
        {
            "observer": 't."By Whom"',
            "star": "t.star",
            "brightness": "t.brightness",
            "day": _truncated("day", "t.seen_at"),
            "weekday": "extract(isodow from t.seen_at AT TIME ZONE 'Pacific/Auckland')::integer",
        },
        {
            "sightings": "count(*)",
            "values": "count(DISTINCT t.brightness)",
            "total": "sum(t.guess)",
            "mean": "avg(t.brightness)",
            "least": "min(t.brightness)",
            "greatest": "max(t.brightness)",
            "middle": f"percentile_cont(0.5) WITHIN GROUP (ORDER BY t.guess) FILTER (WHERE {_FINITE})",
            "lasted": "sum(t.lasted)",
            "first_observer": '(array_agg(t."By Whom" ORDER BY t.seen_at, t.id))[1]',
            "some": _first(3, "t.brightness", "t.brightness DESC, t.id"),
        },
        _answer(
            {
                "observer": (kinds.TEXT, False),
                "star": (kinds.TEXT, True),
                "brightness": (kinds.DOUBLE, True),
                "day": (kinds.TIMESTAMP, True),
                "weekday": (kinds.INT, True),
                "sightings": (kinds.BIG, False),
                "values": (kinds.BIG, False),
                "total": (kinds.DOUBLE, True),
                "mean": (kinds.DOUBLE, True),
                "least": (kinds.DOUBLE, True),
                "greatest": (kinds.DOUBLE, True),
                "middle": (kinds.DOUBLE, True),
                "lasted": (kinds.DURATION, True),
                "first_observer": (kinds.TEXT, True),
                "some": (kinds.DOUBLE_LIST, False),
            }
        ),
    ),
}
"""By the resources' names."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """What an Aggregate is asked.

    Args:
        rows: which rows, in which order of groups and pages; no mask, no keys.
        group_by: the fields that make groups.
        computed: the fields that are computed; none where the different values of the keys are asked for.
        having: which groups.
        zone: the request's.

    """

    rows: Question
    group_by: Sequence[str]
    computed: Sequence[str]
    having: Tree | None = None
    zone: str = ""

    @property
    def verb(self) -> str:
        """What it is counted as."""
        return "Aggregate" if self.computed else "Distinct"

    @property
    def statistics(self) -> Statistics:
        """The message of its rows."""
        return STATISTICS[self.rows.table.name]

    @property
    def mask(self) -> Sequence[str]:
        """What is to be computed; a key, which is told anyway, where nothing is."""
        return self.computed or self.group_by[:1]

    @property
    def request(self) -> Mapping[str, Any]:
        """What is asked, in proto JSON, but the mask and what is equal."""
        return {
            **{name: value for name, value in self.rows.rows.items() if name not in self.rows.equal},
            "group_by": list(self.group_by),
            "having": self.having.text if self.having else "",
            "order_by": spelled_order(self.rows.order),
            "time_zone": self.zone,
        }

    def sql(self) -> str:
        """Return what selects the groups."""
        statistics, table = self.statistics, self.rows.table
        keys = {name: statistics.keys[name] for name in self.group_by}
        # Those that a group may be asked by, whether they are told or not.
        columns = {**keys, **statistics.computed}
        zone = kinds.string(self.zone or "UTC")
        spelled = ", ".join(f'{sql.format(zone=zone)} AS "{name}"' for name, sql in columns.items())
        by = f"GROUP BY {', '.join(str(i) for i in range(1, len(keys) + 1))}" if keys else ""
        groups = f"SELECT {spelled} FROM {table.relation} AS t WHERE {self.rows.condition()} {by}"  # noqa: S608 - a test's
        met = self.having.sql if self.having else "true"
        return f"SELECT * FROM ({groups}) AS t WHERE {met} {self._order()}"  # noqa: S608 - as above

    def _order(self) -> str:
        down = bool(self.rows.order) and self.rows.order[-1][1]
        named = {name for name, _ in self.rows.order}
        rest = [(name, down) for name in self.statistics.keys if name in self.group_by and name not in named]
        terms = [f't."{name}"{" DESC" if descends else ""}' for name, descends in (*self.rows.order, *rest)]
        return f"ORDER BY {', '.join(terms)}" if terms else ""

    def simpler(self) -> Iterator["Grouping"]:
        """Yield what asks for less."""
        if self.having:
            yield replace(self, having=None)
            yield from (replace(self, having=tree) for tree in self.having.simpler())
        yield from (replace(self, rows=rows) for rows in self.rows.simpler())
        if len(self.computed) > 1:
            yield from (replace(self, computed=[name]) for name in self.computed)
        if self.zone:
            yield replace(self, zone="")
        if not self.rows.order and not self.having and (self.computed or len(self.group_by) > 1):
            for name in self.group_by:
                yield replace(self, group_by=[other for other in self.group_by if other != name])

    def __str__(self) -> str:
        """Tell what is asked."""
        having = f" having={self.having.text!r}" if self.having else ""
        zone = f" time_zone={self.zone}" if self.zone else ""
        asked = f"group_by={list(self.group_by)} read_mask={list(self.mask)}"
        return f"Aggregate of {self.rows}: {asked}{having}{zone}"


def drawn_grouping(rows: Question, chance: Random) -> Grouping:
    """Draw what is asked of groups of rows that a question finds."""
    statistics = STATISTICS[rows.table.name]
    keys = chance.sample(list(statistics.keys), chance.choice((0, 1, 1, 2, 3)))
    computed = chance.sample(list(statistics.computed), chance.randrange(0 if keys else 1, 5))
    names = [name for name in (*keys, *computed) if statistics.answer.fields[name].kind.ordered]
    order = [
        (name, chance.random() < 0.5)
        for name in chance.sample(names, min(len(names), chance.choice((0, 0, 1, 2))))
    ]
    asked = {
        name: one for name, one in statistics.answer.fields.items() if name in (*keys, *statistics.computed)
    }
    return Grouping(
        replace(rows, order=order),
        keys,
        computed,
        drawn_filter(replace(statistics.answer, fields=asked), chance, list(asked), depth=1)
        if chance.random() < 0.4
        else None,
        chance.choice(ZONES),
    )


def aggregated(schema: str) -> Sequence[Table]:
    """Return the tables of a schema that have an Aggregate."""
    return [table for name, table in SCHEMAS[schema].items() if name in STATISTICS]
