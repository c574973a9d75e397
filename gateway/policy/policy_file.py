"""A file of policy: rules that callers of some methods have to meet beside what the schema says.

[[rules]]
methods = ["shop.v1.ProductService.Delete*"]
roles = ["admin"]
condition = "principal.claims.mfa = true"
"""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from gateway.config.errors import ConfigDiagnostic, ConfigError
from gateway.errors.suggest import did_you_mean
from gateway.files.regular import read_regular
from gateway.policy.condition import ConditionError, compile_condition
from gateway.policy.permissions import Rule, Rules, methods_of
from gateway.schema.model import Method, Schema
from gateway.schema.rules.allows import ROLE_FORM, is_role

_MAX_FILE = 1024 * 1024


def _role(name: str) -> str:
    if not is_role(name):
        raise ValueError(f"is no role: write {ROLE_FORM}")
    return name


class _FileRule(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    methods: Annotated[list[str], Field(min_length=1)]
    roles: list[Annotated[str, AfterValidator(_role)]] = []
    condition: str = ""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    rules: Annotated[list[_FileRule], Field(min_length=1)]


def read_policy_file(path: Path, schema: Schema) -> Rules:
    """Return the rules of a file by the paths of their methods; raises ConfigError with all that is wrong."""
    found: defaultdict[str, list[Rule]] = defaultdict(list)
    wrong: list[ConfigDiagnostic] = []
    for number, one in enumerate(_read(path).rules, 1):
        problems = [*_problems(one, schema)]
        wrong += [_diagnostic(path, f"rule {number}: {problem}") for problem in problems]
        if not problems:
            rule = _rule(one)
            for method in dict.fromkeys(_matching(one.methods, schema)):
                found[method].append(rule)
    if wrong:
        raise ConfigError(wrong)
    return found


def _read(path: Path) -> _File:
    try:
        return _File.model_validate(tomllib.loads(read_regular(path, _MAX_FILE).decode()))
    except OSError as error:
        raise ConfigError([_diagnostic(path, f"can't be read: {error.strerror or error}")]) from error
    except ValidationError as error:
        told = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise ConfigError([_diagnostic(path, one) for one in told]) from error
    except ValueError as error:  # neither TOML nor UTF-8
        raise ConfigError([_diagnostic(path, f"is no TOML: {error}")]) from error


def _problems(rule: _FileRule, schema: Schema) -> Iterator[str]:
    known = [*schema.services, *(method.full_name for method in methods_of(schema))]
    for text in rule.methods:
        if not any(_matching([text], schema)):
            yield f'"{text}" is no method or service of the schema{did_you_mean(text, known)}'
    if not rule.roles and not rule.condition.strip():
        yield "has neither roles nor a condition"
    try:
        _rule(rule)
    except ConditionError as error:
        yield str(error)


def _rule(rule: _FileRule) -> Rule:
    condition = compile_condition(rule.condition, "condition") if rule.condition.strip() else None
    return Rule(frozenset(rule.roles), condition)


def _matching(names: Sequence[str], schema: Schema) -> Iterator[str]:
    """Yield the paths of the methods that a name is: its own or its service's, in which `*` is any text."""
    patterns = [re.compile(".*".join(map(re.escape, name.split("*")))) for name in names]
    for method in methods_of(schema):
        if any(pattern.fullmatch(name) for pattern in patterns for name in _names(method)):
            yield method.path


def _names(method: Method) -> tuple[str, str]:
    return method.full_name, method.full_name.rpartition(".")[0]


def _diagnostic(path: Path, wrong: str) -> ConfigDiagnostic:
    return ConfigDiagnostic("auth.policy", str(path), wrong)
