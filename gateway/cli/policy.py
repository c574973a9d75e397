"""`rowgate policy`: print who may call what."""

import json
from collections.abc import Callable

import click

from gateway.cli.failures import reported
from gateway.cli.options import SettingsCommand, with_settings
from gateway.cli.serving.plan import read_descriptors
from gateway.config.load import Loaded
from gateway.policy.matrix import as_json, as_lines, matrix_of
from gateway.policy.permissions import permissions_of
from gateway.policy.policy_file import read_policy_file
from gateway.policy.presets import presets_of
from gateway.policy.schema_rules import row_rules
from gateway.policy.table_matrix import tables_as_json, tables_as_lines
from gateway.policy.tenants import tenants_of, with_tenants
from gateway.schema.read import read_schema


@click.command(cls=SettingsCommand)
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="How it is written."
)
@with_settings("schema.protos", "schema.descriptor_set", "auth.policy")
def policy(load: Callable[[], Loaded], form: str) -> None:
    """Print which roles may call which methods, and have which columns and rows.

    The schema and the file of policy say it. The columns are callers of one role each: `if` is where the
    condition is true of the caller; `r` is to read, `rw` to write too, `m` to see a mask.
    """
    with reported():
        settings = load().settings
        schema = read_schema(read_descriptors(settings.schema))
        tenants = tenants_of(settings.auth)
        schema = schema if tenants is None else with_tenants(schema, tenants)
        row_rules(schema), presets_of(schema)  # wrong ones are refused
        path = settings.auth.policy
        narrowing = None if path is None else read_policy_file(path, schema)
        rows = matrix_of(schema, permissions_of(schema, narrowing))
    if form == "json":
        lines = [json.dumps({**as_json(rows), **tables_as_json(schema)}, indent=2)]
    else:
        lines = [*as_lines(rows), *tables_as_lines(schema)]
    for line in lines:
        click.echo(line)
