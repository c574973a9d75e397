"""A migration's steps with its changes of type: those beside columns come first, others see their outcome."""

from collections.abc import Collection
from dataclasses import replace

from gateway.introspect.tables.ddl import quote, quoted
from gateway.introspect.tables.table_records import Catalog, Name
from gateway.migrate.plan.plan import plan
from gateway.migrate.plan.scope import Managed
from gateway.migrate.plan.steps import Step
from gateway.migrate.retype.choice import Choice
from gateway.migrate.retype.steps import left_over, steps_beside, swapped


def planned_with(
    choice: Choice,
    reached: Catalog,
    found: Catalog,
    managed: Managed,
    online: Collection[Name],
) -> tuple[Step, ...]:
    """Return all steps.

    Args:
        choice: which way each change of type goes.
        reached: what the database will hold.
        found: what it holds, without what stands beside columns.
        managed: what may be changed.
        online: tables that others read and write meanwhile.

    """
    beside = steps_beside(choice.beside, reached, found, managed)
    others = plan(*swapped(choice.beside, reached, found, managed), managed, online)
    return (
        *beside,
        *left_over(reached, choice.found, managed, choice.beside),
        *(_with_cost(step, choice) for step in others),
    )


def _with_cost(step: Step, choice: Choice) -> Step:
    """Return the step, which says why the table can't be used meanwhile, where it writes every row anew."""
    for (table, column), why in choice.at_once.items():
        if step.sql.startswith(f"ALTER TABLE {quoted(table)} ALTER COLUMN {quote(column)} TYPE "):
            return replace(step, reason=f"{step.reason} while nobody reads or writes the table, as {why}")
    return step
