"""What holds for callers is said, never left to a default: whoever forgot it would let everybody in."""

from dataclasses import MISSING, fields
from inspect import Parameter, signature

import pytest

from gateway.methods import Engine
from gateway.transport.dispatch import Dispatcher
from gateway.transport.served_api import ServedApi


def test_what_holds_for_callers_is_told_to_the_methods() -> None:
    told = {one.name for one in fields(Engine) if one.default is one.default_factory is MISSING}
    assert {"rules", "presets", "caller_roles", "identified"} <= told


@pytest.mark.parametrize("part", [ServedApi, Dispatcher])
def test_who_lets_callers_in_is_told(part: type) -> None:
    assert signature(part).parameters["authorization"].default is Parameter.empty
