from collections.abc import Callable

import pytest

from tests.harness.databases import Databases
from tests.harness.transports import TRANSPORTS
from tests.soak.cancels import soak

pytestmark = pytest.mark.alone

CALLS = 1_000


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_nothing_is_left_of_cancelled_calls(
    databases: Databases, transport: str, tell: Callable[[str], None]
) -> None:
    outcome = await soak(transport, databases, CALLS)
    tell(str(outcome))
    assert outcome.failures() == []
