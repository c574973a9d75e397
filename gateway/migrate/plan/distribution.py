"""Tables that Citus spreads over nodes: what has it do so, in an order that it takes.

Beside them stand the gateway's own tables, which are the coordinator's alone. Citus doesn't count these as
written: a transaction that writes them and one worker is committed there first and here afterwards, so that a
crash between leaves a change without its request_id. Where a table on the coordinator is written that Citus
knows, it prepares the transaction on all nodes first (local_executor.c). A trigger writes one.
"""

from collections.abc import Iterator, Sequence

from gateway.introspect.drift.extensions import OF_CITUS
from gateway.introspect.tables import ddl
from gateway.introspect.tables.definitions import distribute
from gateway.introspect.tables.distribution import CITUS, TWO_PHASES
from gateway.introspect.tables.table_records import Catalog, Name, Table
from gateway.migrate.errors import MigrationError
from gateway.migrate.plan.steps import Run, Step

_SEQUENTIAL = "SET LOCAL citus.multi_shard_modify_mode TO 'sequential'"
_WHY_TOGETHER = "transactions of the gateway's own tables are to be committed by all nodes, or by none"
# It stays empty: to look for a row to delete is writing enough.
_WRITTEN = """DO $two_phases$
BEGIN
    IF to_regclass('rowgate.two_phases') IS NULL THEN
        CREATE TABLE rowgate.two_phases (id integer, CONSTRAINT two_phases_pkey PRIMARY KEY (id));
        PERFORM pg_catalog.citus_add_local_table_to_metadata('rowgate.two_phases');
    END IF;
    CREATE OR REPLACE FUNCTION rowgate.commit_in_two_phases() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $function$
    BEGIN
        DELETE FROM rowgate.two_phases WHERE id = 0;
        RETURN NULL;
    END $function$;
END $two_phases$"""


def refuse_without_citus(wanted: Catalog, found: Catalog) -> None:
    """Raise MigrationError where tables are to be distributed, and nothing is there that would."""
    if CITUS in wanted.extensions - found.extensions:
        raise MigrationError(f"refused, nothing was changed: {OF_CITUS}")


def over_one_connection(wanted: Catalog, *steps: Step) -> tuple[Step, ...]:
    """Return the steps; where tables are distributed, over one connection to each node.

    Later statements of a transaction don't see what others did over several: Citus refuses them.
    """
    if any(table.distribution is not None for table in wanted.tables.values()):
        for at, step in enumerate(steps):
            if step.run is Run.TOGETHER:
                first = Step(_SEQUENTIAL, "tables are distributed: one connection to each node", repeats=True)
                return (*steps[:at], first, *steps[at:])
    return steps


def distribute_tables(new: Sequence[Table]) -> Iterator[Step]:
    """Yield what distributes new tables: reference tables first, and each after the one that it is beside."""
    waiting = {table.name: table for table in new if table.distribution is not None}
    for table in sorted(waiting.values(), key=lambda table: _depth(table, waiting)):
        if table.distribution is not None:
            yield Step(
                distribute(table.name, table.distribution), f"table {table.name} is {table.distribution}"
            )


def _depth(table: Table, tables: dict[Name, Table]) -> tuple[int, Name]:
    """Return after how many others the table comes, and its name."""
    others = table.distribution.colocated if table.distribution is not None else ()
    depth = 0 if table.distribution is None or table.distribution.column is None else 1
    return depth + sum(_depth(tables[name], tables)[0] for name in others if name in tables), table.name


def commit_in_two_phases(wanted: Catalog, found: Catalog) -> Iterator[Step]:
    """Yield what has transactions that write the gateway's own tables committed by all nodes, or by none."""
    names = [
        name
        for name, table in sorted(wanted.tables.items())
        if table.in_two_phases and not (name in found.tables and found.tables[name].in_two_phases)
    ]
    if names:
        yield Step(_WRITTEN, _WHY_TOGETHER)
    for name in names:
        trigger = f"CREATE OR REPLACE TRIGGER {TWO_PHASES} AFTER INSERT OR UPDATE ON {ddl.quoted(name)}"
        function = "FOR EACH STATEMENT EXECUTE FUNCTION rowgate.commit_in_two_phases()"
        yield Step(f"{trigger}\n{function}", f"table {name}: {_WHY_TOGETHER}")
