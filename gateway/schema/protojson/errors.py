"""The error of JSON that is none of a message, or of a message that JSON can't hold."""

from gateway.errors import FieldViolation, InvalidArgument


class JsonError(ValueError):
    """Names the wrong value.

    Args:
        description: what is wrong with it; holds no value.
        steps: the way to it: proto names, keys of maps as `[key]`, places in lists.

    """

    def __init__(self, description: str, *steps: str | int) -> None:
        super().__init__(description)
        self.description = description
        self.steps = steps

    @property
    def path(self) -> str:
        """Where it is, such as `flights[3].carrier`; empty for the whole."""
        written = (f"[{step}]" if isinstance(step, int) else step for step in self.steps)
        return "".join(f".{step}" if step[0] != "[" else step for step in written).removeprefix(".")

    def below(self, step: str | int) -> "JsonError":
        """Return it as seen from one step above."""
        return type(self)(self.description, step, *self.steps)


def malformed(name: str, path: str, description: str) -> InvalidArgument:
    """Return the error of a request that is no JSON of its message.

    Args:
        name: the message's full name.
        path: the wrong value's; empty for the whole.
        description: what is wrong with it.

    """
    place = f"{path}: " if path else ""
    violations = [FieldViolation(path, description, "REQUEST_MALFORMED")] if path else []
    return InvalidArgument(
        f"the request is no JSON of {name}: {place}{description}",
        reason="REQUEST_MALFORMED",
        violations=violations,
    )
