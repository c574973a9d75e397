"""The error of JSON that is none of a message, or of a message that JSON can't hold."""


class JsonError(ValueError):
    """Names the value at fault.

    Args:
        path: where it is, by proto names, such as `flights[3].carrier`; empty for the whole.
        description: what is wrong with it; holds no value.

    """

    def __init__(self, description: str, path: str = "") -> None:
        super().__init__(description)
        self.path = path
        self.description = description

    def below(self, step: str) -> "JsonError":
        """Return it as seen from one step above."""
        between = "." if self.path and not self.path.startswith("[") else ""
        return JsonError(self.description, f"{step}{between}{self.path}")
