"""The filter language of AIP-160: text → tokens → tree → a plan checked against the resource."""

from gateway.request.filter.check import check
from gateway.request.filter.parser import parse
from gateway.request.filter.plan import Filter
from gateway.schema.model import Resource


def parse_filter(text: str, resource: Resource) -> Filter:
    """Return what a filter asks of `resource`; raises InvalidArgument, with the place, where it is wrong."""
    return check(text, parse(text), resource)


__all__ = ["Filter", "parse_filter"]
