"""The command line.

Exit statuses: 0 done; 1 it failed while running (no database, port taken, …); 2 the schema, a setting or the
command line is wrong, and running it again changes nothing.
"""

import os

import click

from gateway import __version__
from gateway.cli.lazy import LazyGroup

# grpc core writes its own lines to standard error beside ours, unless told not to before it is loaded.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")


@click.group(
    cls=LazyGroup,
    commands_at={
        "serve": "gateway.cli.serve:serve",
        "config": "gateway.cli.config:config",
    },
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, prog_name="rowgate")
def main() -> None:
    """Annotated protos in, a typed gRPC API over PostgreSQL out."""
