"""Statements that change audited tables tell which rows: who doesn't take that can't run them."""

import pytest

from gateway.db.statements.transaction import Transaction
from gateway.request.calls.call import Call
from gateway.schema.model import Audit, Resource
from gateway.sql.bulk.shape import BulkShape
from gateway.sql.bulk.write import bulk_statements
from tests.harness.gateway import schema_of

AUDITED = [one for one in schema_of("audited").resources.values() if one.audit is not Audit.NOTHING]


@pytest.mark.parametrize("resource", AUDITED, ids=repr)
async def test_what_is_run_for_its_effect_tells_nothing(resource: Resource) -> None:
    statements = bulk_statements(BulkShape(resource, resource.primary_key))
    transaction = Transaction(None, Call("audited.v1.Service.Method"))
    with pytest.raises(AssertionError, match=statements.merge_untold.name):
        await transaction.run(statements.merge_untold, [0, 1])
