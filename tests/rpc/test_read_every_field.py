"""Every field of every test schema can be asked for, or is refused as the caller's error."""

import pytest

from gateway.schema.model import MethodKind, StandardMethod
from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway

SCHEMAS = ["types", "ledger", "adversarial"]


def methods(gateway: RunningGateway, kind: MethodKind) -> list[StandardMethod]:
    services = gateway.schema.services.values()
    return [method for service in services for method in service.standard_methods if method.kind is kind]


@pytest.fixture(scope="module", params=SCHEMAS)
async def gateway(request: pytest.FixtureRequest, module_gateway_for: GatewayFor) -> RunningGateway:
    return await module_gateway_for(request.param)


async def test_every_field_can_be_filtered(gateway: RunningGateway) -> None:
    counts = methods(gateway, MethodKind.COUNT)
    assert counts
    for method in counts:
        for field in method.resource.fields:
            for text in (f"{field.name}:*", f"NOT {field.name} = null", f"{field.name}:(null OR null)"):
                answer = await gateway.call(method.path[1:], filter=text)
                assert answer.count == 0


@pytest.mark.parametrize("literal", ["0", '"x"', "true", "1.5s", "2024-01-01T00:00:00Z", '"00:00:00"', "*"])
async def test_every_comparison_is_answered_or_refused(gateway: RunningGateway, literal: str) -> None:
    refused = 0
    for method in methods(gateway, MethodKind.COUNT):
        for field in method.resource.fields:
            for comparator in ("=", "<", ":"):
                try:
                    await gateway.call(method.path[1:], filter=f"{field.name} {comparator} {literal}")
                except RpcFailed as failed:
                    refused += 1
                    if failed.code.name != "INVALID_ARGUMENT":
                        pytest.fail(f"{field.name} {comparator} {literal}: {failed}")
    assert refused > 0


async def test_every_field_can_be_ordered_by_and_read_alone(gateway: RunningGateway) -> None:
    for method in methods(gateway, MethodKind.LIST):
        orderable = [field.name for field in method.resource.fields if field.type.orderable]
        await gateway.call(method.path[1:], order_by=", ".join(orderable))
        for field in method.resource.fields:
            request = gateway.client.message(method.descriptor.input_type.full_name)
            request.read_mask.paths.append(field.name)
            await gateway.client.call(method.path[1:], request)
