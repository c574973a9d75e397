"""Whatever is raised at a call or await of gateway/db/coalesce ends its callers and leaves nothing behind."""

import asyncio
import gc
from typing import Any

import pytest

from tests.db.conftest import open_database
from tests.faults.batch_queues import ACTS, BatchQueues
from tests.faults.opcodes import faults
from tests.harness.databases import Databases, Open

__all__ = ["open_database"]
EVERY = 7
"""The soak tries them all; 7 goes into neither the number of acts nor that of the times."""


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
async def test_callers_end_whatever_is_raised_where_they_share_statements(
    databases: Databases, open_database: Open
) -> None:
    """What was told as done is stored, what is stored was told as done or unknown, and others are served."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    batch_queues = await BatchQueues.open(await databases.empty(), open_database)

    wrong = [
        await batch_queues.fails(fault) for fault in faults(await batch_queues.sites(), ACTS, every=EVERY)
    ]

    assert not list(filter(None, wrong))
    gc.collect()
    assert not [context for context in complaints if "never retrieved" in context["message"]]
