"""Create and BatchCreate."""

from tests.conftest import GatewayFor


async def test_create_answers_the_row_as_stored(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("adversarial")
    node = await gateway.call("adversarial.v1.NodeService/CreateNode", {"node": {"position": 3}})
    (row,) = await gateway.sql("SELECT *, id::text AS key FROM node")
    assert node.id == row["key"]
    assert (node.position, node.version, node.label, node.luck) == (3, 1, "unnamed", 7)
