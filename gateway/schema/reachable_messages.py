"""The messages that a message can hold, at any depth."""

from collections.abc import Mapping

from google.protobuf.descriptor import Descriptor


def reachable(message: Descriptor | None) -> Mapping[str, Descriptor]:
    """Return the message and those that it can hold, by full name; nothing for None."""
    found: dict[str, Descriptor] = {}
    waiting = [message]
    while waiting:
        held = waiting.pop()
        if held is not None and held.full_name not in found:
            found[held.full_name] = held
            waiting.extend(field.message_type for field in held.fields)
    return found
