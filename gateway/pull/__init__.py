"""From a catalog to protos: messages and services for the tables of a database as they are."""

from gateway.pull.choices import Choices, read_choices
from gateway.pull.files import changes
from gateway.pull.protos import Pulled, pull_protos

__all__ = ["Choices", "Pulled", "changes", "pull_protos", "read_choices"]
