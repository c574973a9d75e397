"""Rules of `buf.validate` that can't hold: of another type than their field."""

from collections.abc import Iterable

from google.protobuf.descriptor import Descriptor
from google.protobuf.message_factory import GetMessageClass

from gateway.schema.protos.validation_options import carries_rules
from gateway.schema.rules.finding import Finding, Findings


def validation_findings(messages: Iterable[Descriptor]) -> Findings:
    """Yield the messages whose rules protovalidate can't compile."""
    carrying = [message for message in messages if carries_rules(message)]
    if not carrying:
        return
    from protovalidate import CompilationError, EvaluationError, Validator  # noqa: PLC0415 - few schemas need it

    validator = Validator()
    for message in carrying:
        try:
            validator.collect_violations(GetMessageClass(message)())
        except CompilationError as error:
            yield Finding(
                message.full_name, f"has a rule that can't be compiled: {error}", "see protovalidate.com"
            )
        except EvaluationError:
            continue  # what can't be evaluated of an empty message may be of others
