"""Which rows are there for a caller: by the rules of the protos, and by tenants."""

from collections.abc import Mapping
from typing import Any

from tests.row_policies.callers import Caller
from tests.row_policies.rules import judged
from tests.row_policies.tables import TABLES, Table, policy_of
from tests.row_policies.world import World


def visible(table: Table, row: Mapping[str, Any], caller: Caller) -> bool:
    """Return whether a row is there for a caller."""
    return meets("read", table, row, caller)


def hidden_from(world: World, schema: str, caller: Caller) -> Mapping[str, set[tuple[Any, ...]]]:
    """Return the keys of rows that aren't there for a caller, by table."""
    return {
        table.name: {key for key, row in world[table.name].items() if not visible(table, row, caller)}
        for table in TABLES[schema]
    }


def meets(rule: str, table: Table, row: Mapping[str, Any], caller: Caller) -> bool:
    """Return whether a row meets a rule of its table."""
    if table.wall is not None:
        return table.wall(row, caller)
    policy = policy_of(table.schema, table.name)
    if policy is None:
        return True
    text = getattr(policy, rule)
    if rule == "update_check" and not text:
        text = policy.update
    claim = f"principal.claims.{table.tenant}"
    mine = f'tenant = {claim} AND {claim} != ""' if table.tenant else "*"
    return all(judged(one, row, table.types, caller) is True for one in (text, mine))
