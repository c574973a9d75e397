"""Calls of many callers: nothing is shown or changed that policy forbids; and the oracle sees where it is."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import true

import gateway.methods.by_columns
import gateway.methods.idempotent
import gateway.methods.queries.parameters
import gateway.methods.reads.ordered_rows
import gateway.methods.row_changes.sent_rows
import gateway.methods.with_presets
import gateway.sql.binds
import gateway.sql.bulk.rules
import gateway.sql.reads.aggregate
import gateway.sql.reads.relations
import gateway.sql.reads.select
import gateway.sql.writes.change
import gateway.sql.writes.insert
from gateway.auth.principal import ANONYMOUS
from gateway.db.coalesce.batch_statements import _Arrays
from gateway.db.internal_tables.idempotency import Claim
from gateway.policy.columns import limits_of
from gateway.policy.presets import Presets
from gateway.policy.row_rules import ChangeRules, TableRules
from gateway.request.aggregates import Computed
from gateway.request.pages.page_token import fingerprint_of
from gateway.schema.model import Resource
from gateway.sql.writes.row_arrays import output_columns
from tests.harness.client import RpcFailed
from tests.harness.databases import Databases
from tests.row_policies import world as worlds
from tests.row_policies.callers import NOBODY, all_callers
from tests.row_policies.calls import Call, Item
from tests.row_policies.changes import DENIED
from tests.row_policies.rounds import Draw, Round, Tally
from tests.row_policies.served import Served, serving
from tests.row_policies.tables import DOSSIER, ESTATE, LETTER

CASES = 150
_TRIES = 1200
AllServed = Mapping[tuple[str, str], Served]
Patch = pytest.MonkeyPatch


@pytest.fixture(scope="module")
async def served(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AllServed]:
    async with serving(databases, tmp_path_factory.mktemp("row_policies")) as served:
        yield served


async def test_nothing_is_shown_or_changed_that_policy_forbids(
    served: AllServed, tell: Callable[[str], None]
) -> None:
    tally = Tally()
    names = sorted(served)
    for number in range(CASES):
        await Round(number, served[names[number % len(names)]], tally).run()
    tell(f"policies: {tally}")
    assert not tally.faults, "\n\n".join(tally.faults)


async def test_a_row_that_nobody_may_read_is_not_there(served: AllServed) -> None:
    one = served["offices", "http"]
    await one.sql.execute("TRUNCATE letter; INSERT INTO letter VALUES (1, 'a')")
    with pytest.raises(RpcFailed, match="NOT_FOUND"):
        await one.client(NOBODY).call(LETTER.method("Get"), id=1)


async def test_a_taken_key_is_not_told_where_a_default_makes_the_row_forbidden(
    databases: Databases, tmp_path: Path, monkeypatch: Patch
) -> None:
    """Without tenants, whose column would get the caller's in place of its default."""
    monkeypatch.setattr("tests.row_policies.served.SETTINGS", {})
    row = worlds.drawn_row(ESTATE, Random(1)) | {"id": 1, "tenant": "acme"}  # noqa: S311 - a row
    stranger = next(one for one in all_callers() if one.claims.get("org") == {"tenant": "evil", "grade": 5})
    create = Call(stranger, ESTATE, "Create", [Item((1,), {"steward": "7", "name": "new", "grade": 0})])
    async with serving(databases, tmp_path, ["estates"], ["http"]) as served:
        one = served["estates", "http"]
        await worlds.write(one.sql, "estates", {"Estate": {(1,): row}, "Lease": {}, "Line": {}})
        assert (await one.ask(create, {})).outcome == DENIED


async def test_a_taken_key_is_not_told_where_a_column_that_the_caller_may_not_write_makes_the_row_forbidden(
    served: AllServed,
) -> None:
    """What isn't theirs to write is NULL in a new row, so that it could not be read."""
    one = served["archive", "http"]
    chance = Random(1)  # noqa: S311 - a row
    stored = worlds.drawn_row(DOSSIER, chance) | {"shelf": "b", "holder": None, "number": 9, "open": False}
    hidden = stored | {"state": "STATE_SEALED", "user": None, "data": "[1]"}
    caller = next(one for one in all_callers() if one.id == "drawn22")
    values = {"state": "STATE_LENT", "number": 9, "open": False, "text": "x", "data": "[1]"}
    create = Call(caller, DOSSIER, "Create", [Item((hidden["shelf"], hidden["code"]), values)])
    await worlds.write(one.sql, "archive", {"Dossier": {DOSSIER.key_of(hidden): hidden}})
    assert (await one.ask(create, {})).outcome == DENIED


def _update_is_everybodys(patch: Patch) -> None:
    """Let everybody change what may be read."""
    rules = property(lambda self: ChangeRules((self.update_check, self.read), self.read))
    patch.setattr(TableRules, "updating", rules)


def _delete_is_everybodys(patch: Patch) -> None:
    """Let everybody delete what may be read."""
    patch.setattr(TableRules, "deleting", property(lambda self: ChangeRules((), self.read)))


def _rows_are_deleted_unread(patch: Patch) -> None:
    """Let rows be deleted that may not be read."""
    patch.setattr(TableRules, "deleting", property(lambda self: ChangeRules((), None, self.delete)))


def _new_rows_are_not_checked(patch: Patch) -> None:
    """Let everybody create every row."""
    none = "gateway.methods.row_changes.sent_rows.may_be_written"
    patch.setattr(none, lambda *_args, **_named: None)
    patch.setattr(
        gateway.sql.writes.insert,
        "checked_columns",
        lambda resource, table, _: output_columns(resource, table),
    )


def _bulks_are_not_checked(patch: Patch) -> None:
    """Let everybody send every row in bulk."""
    patch.setattr(gateway.sql.bulk.rules, "is_met", lambda *_: true())


def _filters_change_all(patch: Patch) -> None:
    """Let filters find all rows, where they are to be changed."""
    right = gateway.sql.reads.select.row_conditions
    all_rows = {"rule": None, "using": None}
    patch.setattr(
        "gateway.sql.writes.by_filter.row_conditions",
        lambda *of: right(of[0], of[1], replace(of[2], **all_rows)),
    )


def _lists_show_all(patch: Patch) -> None:
    """Show all rows to whoever lists, counts or streams."""
    right = gateway.sql.reads.select.row_conditions
    patch.setattr(
        gateway.sql.reads.select, "row_conditions", lambda *of: right(of[0], of[1], replace(of[2], rule=None))
    )


def _groups_hold_all_rows(patch: Patch) -> None:
    """Compute of all rows, whoever asks."""
    right = gateway.sql.reads.select.row_conditions
    patch.setattr(
        gateway.sql.reads.aggregate,
        "row_conditions",
        lambda *of: right(of[0], of[1], replace(of[2], rule=None)),
    )


def _groups_tell_of_hidden_columns(patch: Patch) -> None:
    """Compute of all columns, whoever may read them."""
    patch.setattr(Computed, "columns", property(lambda _: frozenset()))


def _read_is_not_asked_with_others(patch: Patch) -> None:
    """Read all rows by keys that share a statement."""
    patch.setattr(gateway.sql.reads.select, "where_rule", lambda *_: true())


def _values_are_the_first_callers(patch: Patch) -> None:
    """Give all of a shared statement's keys the values of the first one's caller."""
    right = _Arrays.__call__

    def wrong(self: Any, keys: Any) -> Any:
        arrays = right(self, keys)
        return [*arrays[:1], *([one[0]] * len(one) for one in arrays[1:])]

    patch.setattr(_Arrays, "__call__", wrong)


def _values_are_forgotten_late(patch: Patch) -> None:
    """Remember the values of whoever called first, for everybody."""
    right, first = TableRules.values, {}

    def wrong(self: Any, caller: Any) -> Any:
        return first.setdefault(self, right(self, caller))

    patch.setattr(TableRules, "values", wrong)


def _tokens_are_everybodys(patch: Patch) -> None:
    """Serve tokens to whoever brings them."""
    patch.setattr(gateway.methods.reads.ordered_rows, "fingerprint_of", lambda *of: fingerprint_of(*of[:2]))


def _answers_are_everybodys(patch: Patch) -> None:
    """Answer a request_id as it was answered whoever sent it first."""
    patch.setattr(gateway.methods.idempotent, "Claim", lambda _, *of: Claim(ANONYMOUS.name, *of))


def _masks_show_the_value(patch: Patch) -> None:
    """Read the columns themselves in place of their masks."""
    patch.setattr(gateway.sql.binds, "masked_column", lambda field, table: table.c[field.column])


def _masked_columns_are_asked_for(patch: Patch) -> None:
    """Let filters and orders know the columns that are masked."""
    patch.setattr(Resource, "askable", property(lambda self: self))


def _columns_are_the_first_callers(patch: Patch) -> None:
    """Give all callers the columns of whoever has no role."""
    patch.setattr(
        gateway.methods.by_columns, "limits_of", lambda resource, _: limits_of(resource, frozenset())
    )


def _presets_are_the_requests(patch: Patch) -> None:
    """Leave preset columns as they were sent."""
    patch.setattr(gateway.methods.with_presets, "_fill", lambda *_: None)


def _presets_are_the_first_callers(patch: Patch) -> None:
    """Set columns to what the first caller is, whoever calls."""
    right, first = Presets.values, {}

    def wrong(self: Any, caller: Any) -> Any:
        return first.setdefault(self, right(self, caller))

    patch.setattr(Presets, "values", wrong)


def _relations_show_all(patch: Patch) -> None:
    """Let relations hold rows that their caller may not read."""
    patch.setattr(gateway.sql.reads.relations, "_met", lambda *_: [])


def _queries_are_the_first_callers(patch: Patch) -> None:
    """Give SQL methods the first caller, whoever calls."""
    right = gateway.methods.queries.parameters._caller_reader

    def wrong(parameter: Any) -> Any:
        read, callers = right(parameter), list[Any]()

        def of_first(request: Any, caller: Any) -> Any:
            callers.append(caller)
            return read(request, callers[0])

        return of_first

    patch.setattr(gateway.methods.queries.parameters, "_caller_reader", wrong)


PLANTED = (
    _relations_show_all,
    _queries_are_the_first_callers,
    _masks_show_the_value,
    _masked_columns_are_asked_for,
    _columns_are_the_first_callers,
    _presets_are_the_requests,
    _presets_are_the_first_callers,
    _update_is_everybodys,
    _delete_is_everybodys,
    _rows_are_deleted_unread,
    _new_rows_are_not_checked,
    _bulks_are_not_checked,
    _filters_change_all,
    _lists_show_all,
    _groups_hold_all_rows,
    _groups_tell_of_hidden_columns,
    _read_is_not_asked_with_others,
    _values_are_the_first_callers,
    _values_are_forgotten_late,
    _tokens_are_everybodys,
    _answers_are_everybodys,
)


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__[1:])
async def test_the_oracle_sees(
    databases: Databases, tmp_path: Path, transport: str, monkeypatch: Patch, plant: Callable[[Patch], None]
) -> None:
    plant(monkeypatch)
    assert await is_seen(databases, tmp_path, "offices", transport)


async def is_seen(
    databases: Databases, folder: Path, schema: str, transport: str, draw: Draw | None = None
) -> bool:
    """Return whether cases find a fault of the gateway's."""
    tally = Tally()
    async with serving(databases, folder, [schema], [transport]) as served:
        for number in range(_TRIES):
            if await Round(number, served[schema, transport], tally, draw).run():
                return True
    return False
