"""A key's parts are all there, or the one that is missing is named."""

from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message_factory import GetMessageClass

from gateway.errors import InvalidArgument
from gateway.request.keys import key_reader, key_text
from gateway.schema.model import MethodKind, StandardMethod
from gateway.schema.protos.sources import compile_protos
from gateway.schema.read import read_schema

PROTOS = Path(__file__).parents[2] / "protos"


@pytest.fixture(scope="module")
def get_weather() -> StandardMethod:
    methods = read_schema(compile_protos(PROTOS)).services["flights.v1.WeatherService"].standard_methods
    return next(method for method in methods if method.kind is MethodKind.GET)


@pytest.mark.parametrize(
    ("place", "path"), [("", "observation_time"), ("keys[3]", "keys[3].observation_time")]
)
def test_a_part_that_is_unset_is_named(get_weather: StandardMethod, place: str, path: str) -> None:
    """A Timestamp that isn't sent is no Timestamp of 1970."""
    read = key_reader(get_weather.resource, get_weather.keys)
    request = GetMessageClass(get_weather.descriptor.input_type)(origin="EWR")
    with pytest.raises(InvalidArgument) as refused:
        read(request, place)
    assert refused.value.reason == "KEY_MISSING"
    assert [violation.field for violation in refused.value.violations] == [path]


def test_the_epoch_is_a_key(get_weather: StandardMethod) -> None:
    """A part that is set to its zero value is a key like any other."""
    read = key_reader(get_weather.resource, get_weather.keys)
    request: Any = GetMessageClass(get_weather.descriptor.input_type)(origin="EWR")
    request.observation_time.SetInParent()
    assert set(read(request, "")) == {"origin", "observation_time"}


def test_a_stored_key_that_no_message_holds_is_told_without_it(get_weather: StandardMethod) -> None:
    """An infinite time is what DATA_LOSS is told of: that must not fail by it."""
    infinite = {"origin": "EWR", "observation_time": (2**63 - 1,)}
    assert key_text(get_weather.resource, infinite) == "origin=EWR, observation_time=?"
