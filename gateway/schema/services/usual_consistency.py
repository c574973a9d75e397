"""How fresh a method's reads are where their callers don't say."""

from dataclasses import replace
from typing import TypeVar

from gateway.schema.consistency import Freshness, read_consistency
from gateway.schema.diagnostics import Diagnostics
from gateway.schema.model import Method
from gateway.schema.protos.options import method_options

M = TypeVar("M", bound=Method)


def with_consistency(method: M, diagnostics: Diagnostics) -> M:
    """Return the method with the `consistency` of its options; what is wrong with that is noted."""
    text = method_options(method.full_name, diagnostics).consistency
    if not text:
        return method
    found = read_consistency(text)
    if not method.is_explained:
        diagnostics.add(method.full_name, "has a consistency, but may write", "leave it out")
    elif found is None or found.freshness is Freshness.AT_LEAST:
        diagnostics.add(method.full_name, f"has consistency {text}", "give it strong, any or bounded=2s")
    return replace(method, consistency=found)
