"""What a command says, and its exit status, when it fails."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from gateway.config.faults import ConfigError
from gateway.db.dsn import DsnError
from gateway.db.embedded import EmbeddedPostgresError
from gateway.errors import RowgateError
from gateway.introspect import ModelRefusedError, SchemaMismatchError
from gateway.schema.faults import SchemaError


class Failed(click.ClickException):
    """Ends the command with a message on standard error: it may work another time."""

    exit_code = 1


class Wrong(click.ClickException):
    """Ends the command with a message on standard error: something has to be changed first."""

    exit_code = 2


@contextmanager
def reported() -> Iterator[None]:
    """Turn the errors that a user can do something about into messages; others keep their traceback."""
    try:
        yield
    except ConfigError as error:
        raise Wrong(f"wrong settings\n\n{error}") from error
    except SchemaError as error:
        raise Wrong(f"faults in the schema: {len(error.faults)}\n\n{error}") from error
    except DsnError as error:
        raise Wrong(f"database.dsn: {error}") from error
    except RowgateError as error:
        raise Failed(f"{error.message} ({error.reason})") from error
    except (SchemaMismatchError, ModelRefusedError, EmbeddedPostgresError, OSError) as error:
        raise Failed(str(error)) from error
