"""Rules of options that stand where nothing reads them."""

from collections.abc import Iterable

from google.protobuf.descriptor import Descriptor

from gateway.schema.diagnostics import Diagnostics
from gateway.schema.protos.options import has_column, has_table
from gateway.schema.rules.finding import Finding, Findings


def misplaced_option_findings(messages: Iterable[Descriptor], diagnostics: Diagnostics) -> Findings:
    """Yield the column options of messages that are no resources."""
    for message in messages:
        if has_table(message.full_name, diagnostics):
            continue
        for field in message.fields:
            if has_column(field.full_name, diagnostics):
                wrong = f"has column options, but {message.full_name} is no table"
                yield Finding(
                    field.full_name, wrong, "give the message (rowgate.v1.table), or drop the options"
                )
