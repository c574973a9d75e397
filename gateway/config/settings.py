"""The settings, by section. Durations are seconds, sizes are bytes."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MIB = 1024 * 1024


class Section(BaseModel):
    """A group of settings: frozen, and strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ServerSettings(Section):
    """Where the server listens and how it ends calls and connections."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 50051
    default_deadline: Annotated[float, Field(gt=0)] = 30.0
    max_deadline: Annotated[float, Field(gt=0)] = 300.0
    lame_duck: Annotated[float, Field(ge=0)] = 0.0
    drain: Annotated[float, Field(ge=0)] = 20.0


class LimitSettings(Section):
    """What one server takes at once."""

    max_in_flight: Annotated[int, Field(ge=1)] = 1000
    max_request_bytes: Annotated[int, Field(ge=1024, le=1024 * MIB)] = 64 * MIB
    max_response_bytes: Annotated[int, Field(ge=1024, le=1024 * MIB)] = 64 * MIB
    max_metadata_bytes: Annotated[int, Field(ge=1024, le=MIB)] = 16 * 1024
