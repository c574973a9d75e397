"""What is to be served, and how, by the settings and the schema that they name."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.cli.serving.unused_settings import unused_settings
from gateway.cli.workers.count import Number, number_of_workers
from gateway.config.errors import ConfigDiagnostic, ConfigError
from gateway.config.load import Loaded
from gateway.config.rules import require_identity
from gateway.config.setting_names import SETTINGS
from gateway.config.settings import SchemaSettings, Settings
from gateway.schema.protos.sources import compile_protos, load_descriptor_set

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be served, and how.

    Args:
        descriptors: the schema.
        settings: all of them.
        number: by how many processes.
        watched: whether what serves is replaced whenever a file is saved.

    """

    descriptors: FileDescriptorSet
    settings: Settings
    number: Number
    watched: bool = False

    @property
    def is_for_one_process(self) -> bool:
        """Whether this process serves: it can't be replaced while it does."""
        return self.number.workers == 1 and not self.watched

    def changes(self, other: "Plan") -> Iterator[str]:
        """Yield the keys of the settings that differ in another plan, and `schema` where that does."""
        if self.descriptors != other.descriptors:
            yield "schema"
        for setting in SETTINGS:
            mine, theirs = (getattr(plan.settings, setting.section) for plan in (self, other))
            if getattr(mine, setting.name) != getattr(theirs, setting.name):
                yield setting.key


def make_plan(loaded: Loaded, *, watched: bool) -> Plan:
    """Return what the settings ask for; raises ConfigError and SchemaError."""
    settings = loaded.settings
    require_identity(settings, loaded.source)
    for key in unused_settings(loaded):
        _logger.warning("a setting has no effect on this transport", extra={"setting": key})
    number = number_of_workers(loaded, watched=watched)
    # A supervisor has no use for what a gateway imports.
    read = _read_aside if number.workers == 1 and not watched else read_descriptors
    return Plan(read(settings.schema), settings, number, watched)


def _read_aside(schema: SchemaSettings) -> FileDescriptorSet:
    """Return the schema's descriptors. While protoc runs, what comes next is imported."""
    with ThreadPoolExecutor(1) as aside:
        reading = aside.submit(read_descriptors, schema)
        import_module("gateway.schema.read")
        return reading.result()


def read_descriptors(schema: SchemaSettings) -> FileDescriptorSet:
    """Return the schema's descriptors. Raises ConfigError where no source is set, and SchemaError."""
    if schema.descriptor_set is not None:
        return load_descriptor_set(schema.descriptor_set)
    if schema.protos is not None:
        return compile_protos(schema.protos)
    wrong = "no schema is named"
    raise ConfigError(
        [ConfigDiagnostic("schema.protos", "default", wrong, "give --protos DIR or --descriptor-set FILE")]
    )
