"""A load of documents, whose messages take the gateway's processor much more than all else about a call."""

from tests.harness.gateway import RunningGateway
from tests.overload.generator import Offer, offer
from tests.overload.load import Outcome
from tests.overload.slow import ROWS

AT_ONCE = 400
PATIENT = (30.0, 30.0)


async def papers(
    gateway: RunningGateway, rate: float, seconds: float, deadlines: tuple[float, float] = PATIENT
) -> Outcome:
    """Ask for documents."""
    requests = [gateway.client.message("busy.v1.GetPaperRequest", id=n + 1) for n in range(ROWS)]
    bodies = [request.SerializeToString().hex() for request in requests]
    return await offer(
        Offer(gateway.target, "/busy.v1.PaperService/GetPaper", bodies, rate, seconds, deadlines)
    )


async def capacity_of(gateway: RunningGateway) -> float:
    """Return how many calls a second are answered of those that come all at once, and can wait."""
    burst = await papers(gateway, AT_ONCE / 0.05, 0.05)
    assert burst.codes == {"OK": len(burst.calls)}
    begun = min(call.begun for call in burst.calls)
    return len(burst.calls) / (max(call.begun + call.seconds for call in burst.calls) - begun)
