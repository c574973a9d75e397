"""An update read the quick way is the one read the long way, or it is left to that."""

from typing import Any, cast

import pytest
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import RowgateError
from gateway.methods.engine import Engine
from gateway.methods.writes.update import Updating
from gateway.schema.model import MethodKind, StandardMethod
from gateway.schema.tables.metadata import build_tables
from gateway.sql.writes.change import Change
from tests.harness.gateway import schema_of
from tests.schema.messages import messages

RESOURCES = ["types.v1.Scalar", "types.v1.Rich", "ledger.v1.Account", "adversarial.v1.Node"]


def update_of(resource: str) -> StandardMethod:
    """Return the Update method of a resource."""
    services = schema_of(resource.partition(".")[0]).services.values()
    found = (m for s in services for m in s.standard_methods if m.kind is MethodKind.UPDATE)
    return next(method for method in found if method.resource.message.full_name == resource)


def updating(method: StandardMethod) -> Updating:
    """Return what reads the method's requests; it never reaches a database."""
    nothing = cast("Any", None)
    tables = build_tables(schema_of(method.full_name.partition(".")[0])).tables
    parts = {"database": nothing, "reads": nothing, "writes": nothing, "tables": tables}
    engine = Engine(**parts, rules={}, presets={}, caller_roles=None, identified=False)
    return Updating(method, engine)


UPDATING = {name: updating(update_of(name)) for name in RESOURCES}


@pytest.mark.parametrize("name", RESOURCES)
@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_quick_way_reads_what_the_long_way_reads(name: str, data: st.DataObject) -> None:
    worker, method = UPDATING[name], update_of(name)
    row = data.draw(messages(method.resource.message))
    paths = st.sampled_from([*method.resource.by_name, "etag", "nowhere", "*"])
    mask = data.draw(st.lists(paths, max_size=3))
    request: Any = GetMessageClass(method.descriptor.input_type)()
    getattr(request, method.request["resource"].name).MergeFromString(row.SerializeToString())
    request.update_mask.paths.extend(mask)

    quick = attempt(lambda: worker.requested_write(request))
    if quick is None or isinstance(quick, RowgateError):
        return
    edit = worker.read(request, "").edit
    requested_write: Any = worker._changes.requested_write(Change.UPDATE, edit)
    assert quick.write is requested_write.write
    assert repr((list(quick.args), quick.row)) == repr(
        (list(requested_write.args), requested_write.row)
    )  # NaN is not NaN


def attempt(read: Any) -> Any:
    """Return what is read, or why it can't be."""
    try:
        return read()
    except RowgateError as error:
        return error


@pytest.mark.parametrize("name", [name for name in RESOURCES if name != "types.v1.Rich"])
def test_a_plain_update_is_read_the_quick_way(name: str) -> None:
    """Else the test above would be content with nothing. A row with a oneof never is."""
    method = update_of(name)
    resource = method.resource
    row = GetMessageClass(resource.message)()
    for field in resource.key_fields:
        if "uuid" in field.type.sql:
            setattr(row, field.name, "00000000-0000-0000-0000-000000000001")
    mask = [f.name for f in resource.fields if f.writable and f.column not in resource.primary_key][:1]
    request: Any = GetMessageClass(method.descriptor.input_type)()
    getattr(request, method.request["resource"].name).CopyFrom(row)
    request.update_mask.paths.extend(mask)
    assert UPDATING[name].requested_write(request) is not None
