"""An application that does nothing, for Envoy to check a configuration with."""


async def application(*_: object) -> None:
    """Answer nothing."""
