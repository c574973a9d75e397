"""The filter language of AIP-160: text → tokens → tree → a plan checked against the resource."""

from gateway.request.filter.check import check
from gateway.request.filter.parser import parse
from gateway.request.filter.plan import Filter
from gateway.request.filter.related.relations import NO_RELATIONS, Relations
from gateway.schema.model import Resource


def parse_filter(text: str, resource: Resource, relations: Relations = NO_RELATIONS) -> Filter:
    """Return what a filter asks of `resource`; raises InvalidArgument, with the place, where it is wrong.

    Args:
        text: the filter.
        resource: what the rows are, as whoever asks knows them.
        relations: those that it may go through.

    """
    return check(text, parse(text), resource, relations)


__all__ = ["Filter", "parse_filter"]
