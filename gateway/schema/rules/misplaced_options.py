"""Rules of options that stand where nothing reads them."""

from collections.abc import Iterable

from google.protobuf.descriptor import Descriptor

from gateway.schema.diagnostics import Diagnostics
from gateway.schema.protos.options import has_column, has_relation, has_table, is_relation
from gateway.schema.rules.finding import Finding, Findings


def misplaced_option_findings(messages: Iterable[Descriptor], diagnostics: Diagnostics) -> Findings:
    """Yield the column options of messages that are no resources, and relation options of no relations."""
    for message in messages:
        is_table = has_table(message.full_name, diagnostics)
        for field in message.fields:
            if has_relation(field.full_name, diagnostics) and not (
                is_table and is_relation(field, diagnostics)
            ):
                wrong = "has relation options, but is no relation"
                right = "its message, and the field's, have to be tables, and it no column"
                yield Finding(field.full_name, wrong, right)
            if not is_table and has_column(field.full_name, diagnostics):
                wrong = f"has column options, but {message.full_name} is no table"
                yield Finding(
                    field.full_name, wrong, "give the message (rowgate.v1.table), or drop the options"
                )
