"""Callers: what tells who they are, and which of the schema's policies hold for them."""

import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from gateway.auth.authenticator import Authenticator
from gateway.auth.providers import provider_chain
from gateway.config.auth_settings import AuthSettings
from gateway.config.settings import Settings
from gateway.policy.columns import has_limits
from gateway.policy.permissions import permission_of, permissions_of, without_policy
from gateway.policy.policy_file import read_policy_file
from gateway.policy.presets import Presets, merged, presets_of
from gateway.policy.row_rules import TableRules
from gateway.policy.schema_rules import row_rules
from gateway.policy.tenants import (
    TenantColumn,
    Tenants,
    tenant_columns,
    tenant_presets,
    tenants_of,
    with_tenants,
)
from gateway.schema.model import Schema
from gateway.transport.authorization import Authorization
from gateway.transport.builtin.limits import PATH as LIMITS
from gateway.transport.builtin.reflection import PATHS as REFLECTION
from gateway.transport.protocols.rest.openapi.document import PATH as OPENAPI

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Callers:
    """Who calls, and what holds for them.

    Args:
        schema: with the tenants' conditions beside its policies.
        authorization: lets callers in; None where everybody may call.
        tenants: what keeps tenants apart; None where nothing does.

    """

    schema: Schema
    authorization: Authorization | None
    tenants: Tenants | None

    @property
    def identified(self) -> bool:
        """Whether it is known who calls."""
        return self.authorization is not None

    def with_schema(self, schema: Schema) -> "Callers":
        """Return the same of a schema of which more is known."""
        return replace(self, schema=schema)

    def row_rules(self) -> Mapping[str, TableRules]:
        """Return the rules of rows that hold; raises SchemaError for wrong ones.

        Where callers aren't identified none hold, which is told.
        """
        rules = row_rules(self.schema)
        if rules and not self.identified:
            _logger.warning(
                "policies of rows don't hold: callers aren't identified", extra={"tables": [*rules]}
            )
            return {}
        return rules

    def presets(self) -> Mapping[str, Presets]:
        """Return what is written of callers; raises SchemaError for what isn't theirs.

        Where callers aren't identified nothing is, and columns are everybody's, which is told.
        """
        schema, presets = self.schema, presets_of(self.schema)
        if self.identified:
            return merged(presets, tenant_presets(schema, self.tenants) if self.tenants is not None else {})
        limited = [name for name, one in schema.resources.items() if name in presets or has_limits(one)]
        if limited:
            _logger.warning(
                "access, masks and presets of columns don't hold: callers aren't identified",
                extra={"tables": limited},
            )
        return {}

    def tenant_columns(self) -> Mapping[str, TenantColumn]:
        """Return which columns keep tenants apart, by the message's full name; none where nothing does."""
        return tenant_columns(self.schema, self.tenants) if self.tenants is not None else {}


async def known_callers(schema: Schema, settings: Settings, opened: AsyncExitStack) -> Callers:
    """Return who calls, once the keys of their credentials are there.

    Raises SchemaError for what the schema says wrongly, ConfigError for what the settings do.
    """
    tenants = tenants_of(settings.auth)
    if tenants is not None:
        schema = with_tenants(schema, tenants)
    chain = provider_chain(settings)
    if chain is None:
        permissions_of(schema)  # wrong ones are refused before they are needed
        return Callers(schema, None, tenants)
    opened.push_async_callback(chain.stop)
    await chain.start()
    return Callers(schema, authorization(schema, chain, settings.auth), tenants)


def authorization(schema: Schema, authenticator: Authenticator, auth: AuthSettings) -> Authorization:
    """Return what lets callers in, as the schema says; tells of methods that nobody may call.

    Args:
        schema: says who may call what.
        authenticator: knows who calls.
        auth: a file of what callers have to be beside, and who may ask for the schema and for plans.

    Raises SchemaError for what the schema says wrongly, ConfigError for what the file does.

    """
    permissions = permissions_of(
        schema, None if auth.policy is None else read_policy_file(auth.policy, schema)
    )
    if nobodys := without_policy(schema):
        _logger.warning("nobody may call methods of which no policy says who may", extra={"methods": nobodys})
    of_schema = permission_of(auth.schema_roles)
    about_schema = dict.fromkeys((*REFLECTION, OPENAPI, LIMITS), of_schema)
    of_plans = permission_of(auth.explain_roles) if auth.explain_roles else None
    return Authorization(authenticator, {**permissions, **about_schema}, of_schema, of_plans)
