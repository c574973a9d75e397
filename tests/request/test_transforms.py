"""Transforms of fields that aren't the caller's to write."""

import pytest
from rowgate.v1.transforms_pb2 import FieldTransform

from gateway.errors import InvalidArgument, PermissionDenied
from gateway.policy.columns import limits_of, narrowed
from gateway.request.transforms import read_transforms
from gateway.schema.model import MethodKind
from tests.harness.gateway import schema_of


def test_fields_by_role_are_kept() -> None:
    """One that may not be written, one that is hidden, one that is masked, and presets of both kinds."""
    (service,) = [one for name, one in schema_of("offices").services.items() if name.endswith("DeskService")]
    (method,) = [one for one in service.standard_methods if one.kind is MethodKind.UPDATE]
    resource = method.resource
    stranger = narrowed(method, limits_of(resource, frozenset())).resource
    for name in ("shade", "doc", "note"):
        with pytest.raises(PermissionDenied) as denied:
            read_transforms(stranger, [FieldTransform(field=name, server_time=True)], (), "transforms")
        assert denied.value.reason == "FIELD_NOT_ALLOWED"
    for name in ("author", "mover", "id"):
        with pytest.raises(InvalidArgument) as refused:
            read_transforms(resource, [FieldTransform(field=name, server_time=True)], (), "transforms")
        assert refused.value.reason == "INVALID_TRANSFORM"
    transform = FieldTransform(field="level")
    transform.increment.number_value = 2
    assert read_transforms(stranger, [transform], (), "transforms").operands == {"level": 2}
