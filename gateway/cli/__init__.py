"""The command line.

Exit statuses: 0 done; 1 it failed while running (no database, port taken, …); 2 the schema, a setting or the
command line is wrong, and running it again changes nothing.
"""

import os
import signal

import click

from gateway import __version__
from gateway.cli.lazy_group import LazyGroup
from gateway.cli.standard_streams import open_standard_streams

# Read by grpc core when it is loaded. It would write lines of its own to standard error, between ours; and
# its fork handlers crash children now and then (grpc/grpc issue 41768), though ours only exec a program.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")


@click.group(
    cls=LazyGroup,
    commands_at={
        "new": "gateway.cli.new:new",
        "serve": "gateway.cli.serve:serve",
        "migrate": "gateway.cli.migrate:migrate",
        "pull": "gateway.cli.pull:pull",
        "scaffold": "gateway.cli.scaffold:scaffold",
        "protos": "gateway.cli.protos:protos",
        "keys": "gateway.cli.keys:keys",
        "policy": "gateway.cli.policy:policy",
        "config": "gateway.cli.config:config",
    },
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, prog_name="rowgate")
def main() -> None:
    """Annotated protos in, a typed gRPC API over PostgreSQL out."""
    open_standard_streams()
    if os.getpid() == 1:
        # The kernel keeps from the first process of a container each signal that it hasn't asked for.
        signal.signal(signal.SIGTERM, lambda number, _: os._exit(128 + number))
