"""Failures of a command: what is told, and the exit status."""

from collections.abc import Iterator
from contextlib import contextmanager

import click


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
    except Exception as error:
        told = _told(error)
        if told is None:
            raise
        raise told from error


def _told(error: Exception) -> click.ClickException | None:
    # Imported when there is something to tell: it is half of all that a start has to import.
    import asyncpg  # noqa: PLC0415

    from gateway.config.errors import ConfigError  # noqa: PLC0415
    from gateway.db.connections.dsn import DsnError  # noqa: PLC0415
    from gateway.db.driver_errors import cause_of  # noqa: PLC0415
    from gateway.db.embedded import EmbeddedPostgresError  # noqa: PLC0415
    from gateway.errors import Internal, PermissionDenied, RowgateError  # noqa: PLC0415
    from gateway.handlers.errors import HandlersError  # noqa: PLC0415
    from gateway.introspect import (  # noqa: PLC0415
        AuditUnavailableError,
        LackedPrivilegeError,
        ModelRefusedError,
        PoliciesBypassedError,
        SchemaMismatchError,
        WarningsUnheardError,
    )
    from gateway.schema.diagnostics import SchemaError  # noqa: PLC0415

    match error:
        case ConfigError():
            return Wrong(f"wrong settings\n\n{error}")
        case SchemaError() | HandlersError():
            where = "schema" if isinstance(error, SchemaError) else "handlers"
            return Wrong(f"errors in the {where}: {len(error.diagnostics)}\n\n{error}")
        case DsnError():
            return Wrong(f"{error.setting}: {error}")
        case RowgateError():
            # Others say in their message why there is no database.
            cause = cause_of(error) if isinstance(error, Internal | PermissionDenied) else ""
            return Failed(f"{error.message} ({error.reason})" + (f": {cause}" if cause else ""))
        # The last two of the connection that compares schema and database, where it was lost.
        case (
            (SchemaMismatchError() | ModelRefusedError() | LackedPrivilegeError() | EmbeddedPostgresError())
            | (OSError() | PoliciesBypassedError() | AuditUnavailableError() | WarningsUnheardError())
            | (asyncpg.PostgresConnectionError() | asyncpg.OperatorInterventionError())
        ):
            return Failed(str(error))
    return None
