"""What a group of settings is."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A group of settings: frozen, and strict about names.

    A setting's flat name, which flags and variables use, is its own, behind the section's `flat_prefix`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
    flat_prefix: ClassVar[str] = ""
