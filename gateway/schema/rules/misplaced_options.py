"""Rules of options that stand where nothing reads them."""

from collections.abc import Iterable

from google.protobuf.descriptor import Descriptor

from gateway.schema.diagnostics import Faults
from gateway.schema.options import has_column, has_table
from gateway.schema.rules.finding import Finding, Findings


def stray_findings(messages: Iterable[Descriptor], faults: Faults) -> Findings:
    """Yield the column options of messages that are no resources."""
    for message in messages:
        if has_table(message.full_name, faults):
            continue
        for field in message.fields:
            if has_column(field.full_name, faults):
                wrong = f"has column options, but {message.full_name} is no table"
                yield Finding(
                    field.full_name, wrong, "give the message (rowgate.v1.table), or drop the options"
                )
