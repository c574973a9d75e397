"""Rules of `allow`: it says something, and its roles are names that a caller can have."""

import re
from collections.abc import Iterable

from google.protobuf.descriptor import ServiceDescriptor

from gateway.schema.diagnostics import Diagnostics
from gateway.schema.protos.options import method_options, service_options
from gateway.schema.rules.finding import Finding, Findings

_MAX_ROLE = 128
_ROLE = re.compile(rf"[!-~]{{1,{_MAX_ROLE}}}")


def allow_findings(services: Iterable[ServiceDescriptor], diagnostics: Diagnostics) -> Findings:
    """Yield what is wrong with who may call the services and their methods."""
    for service in services:
        if (of_service := service_options(service.full_name, diagnostics)).HasField("allow"):
            yield from _allow(service.full_name, of_service.allow.roles, of_service.allow.condition)
        for method in service.methods:
            if (of_method := method_options(method.full_name, diagnostics)).HasField("allow"):
                yield from _allow(method.full_name, of_method.allow.roles, of_method.allow.condition)


def _allow(where: str, roles: Iterable[str], condition: str) -> Findings:
    named = list(roles)
    if not named and not condition.strip():
        right = 'name roles: "…" or a condition; leave it out for the service\'s, and for nobody without one'
        yield Finding(where, "allow has neither roles nor a condition", right)
    for role in named:
        if not is_role(role):
            yield Finding(where, f'allow: "{role}" is no role', f"write {ROLE_FORM}")
    for role in sorted({role for role in named if named.count(role) > 1}):
        yield Finding(where, f'allow: names the role "{role}" twice', "name it once")


ROLE_FORM = f"1 to {_MAX_ROLE} characters of ASCII without spaces"
"""What a role's name is made of."""


def is_role(name: str) -> bool:
    """Return whether a role can have that name."""
    return _ROLE.fullmatch(name) is not None
