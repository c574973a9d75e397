"""A new project: the files of a directory in which one table is migrated and served."""

import re
import sys
from collections.abc import Mapping
from string import Template

from gateway.proto_files.language_options import is_keyword
from gateway.schema.protos.foreign_packages import is_foreign
from gateway.schema.protos.shipped import MODULES, shipped_protos

_NAME = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")
_MAX_NAME = 63
"""Letters; PostgreSQL's names are no longer, and the project's is the database's."""
_MODULES = sys.stdlib_module_names | {"gateway"}
"""What Python imports by these names is its own, or Rowgate's: never a project's stubs."""
_IMPORTS = "third_party"
"""Not `vendor`: Go, PHP and Ruby have a use of their own for a folder of that name."""

_TABLE = """\
syntax = "proto3";

// The tables of $package.
package $package.v1;

import "rowgate/v1/annotations.proto";

// An item.
message Item {
  option (rowgate.v1.table) = {primary_key: "id"};

  // Its number, which PostgreSQL gives.
  int64 id = 1 [(rowgate.v1.column).identity = true];
  // What it is called.
  string name = 2;
}
"""
_SETTINGS = """\
# `rowgate config` prints every setting and where it comes from.
[schema]
protos = "protos"
"""
_BUF = """\
version: v2
modules:
  - path: protos
  # What schemas import, as `rowgate protos third_party` writes it.
$modules
lint:
  use: [STANDARD, COMMENTS]
  except:
    # Get, Create, Update and Delete answer with the resource itself (AIP-131, 133, 134).
    - RPC_REQUEST_RESPONSE_UNIQUE
    - RPC_RESPONSE_STANDARD_NAME
  ignore: [$ignored]
breaking:
  use: [FILE]
  ignore: [$ignored]
"""
_GENERATE = """\
# `buf generate` writes messages for Python into gen/, by a python3 that has grpcio-tools. Add your languages.
version: v2
clean: true
managed:
  enabled: true
inputs:
  - directory: protos
  - directory: third_party/rowgate
plugins:
  - protoc_builtin: python
    protoc_path: [python3, -m, grpc_tools.protoc]
    out: gen
  - protoc_builtin: pyi
    protoc_path: [python3, -m, grpc_tools.protoc]
    out: gen
"""
_COMPOSE = """\
# A PostgreSQL for development, on this machine alone:
#   docker compose up --detach --wait
#   export ROWGATE_DSN=postgresql://postgres:development@127.0.0.1/$package
services:
  postgres:
    image: postgres:18
    environment:
      POSTGRES_DB: $package
      POSTGRES_PASSWORD: development
    ports: ["127.0.0.1:5432:5432"]
    volumes: ["data:/var/lib/postgresql"]
    healthcheck:
      test: [CMD, pg_isready, --username=postgres, --dbname=$package]
      interval: 1s
      retries: 30
volumes:
  data:
"""
_IGNORED = """\
# The embedded PostgreSQL's data, and generated code.
.rowgate/
gen/
"""
_README = """\
# $name

The tables are messages in `protos/$package/v1`. Rowgate makes them in PostgreSQL, and serves them by gRPC
and REST:

```sh
rowgate scaffold
rowgate migrate
rowgate serve --watch
```

`rowgate scaffold` writes what the services of new or changed tables lack; commit it. What you save
is served at once, another column or table after another `rowgate migrate`. Without a DSN the database is an
embedded PostgreSQL in `.rowgate`; `compose.yaml` has another. Then, from another terminal:

```sh
curl -s --json '{"name": "Anvil"}' http://127.0.0.1:50051/v1/items
curl -s http://127.0.0.1:50051/v1/items
```
"""


class BadNameError(ValueError):
    """A project can't have that name, and why."""


def project_files(name: str) -> Mapping[str, str]:
    """Return the files of a new project, by path; raises BadNameError.

    Args:
        name: in small letters, digits and single dashes or underscores; the package is called so.

    """
    package = name.replace("-", "_")
    if not _NAME.fullmatch(name) or len(name) > _MAX_NAME:
        raise BadNameError("call a project in small letters and digits, divided by - or _, a letter first")
    if is_foreign(package):
        raise BadNameError(f"the package {package} is one that protos import: call the project otherwise")
    if is_keyword(package):
        raise BadNameError(f"{package} is a word of Python or Java that packages there can't have")
    if package in _MODULES:
        raise BadNameError(f"Python has a module {package} already: call the project otherwise")
    modules = [f"{_IMPORTS}/{module}" for module in MODULES]
    names = {
        "name": name,
        "package": package,
        "modules": "\n".join(f"  - path: {path}" for path in modules),
        "ignored": ", ".join(modules),
    }
    own = {
        f"protos/{package}/v1/item.proto": _TABLE,
        "rowgate.toml": _SETTINGS,
        "buf.yaml": _BUF,
        "buf.gen.yaml": _GENERATE,
        "compose.yaml": _COMPOSE,
        ".gitignore": _IGNORED,
        "README.md": _README,
    }
    written = {path: Template(text).substitute(names) for path, text in own.items()}
    return written | {f"{_IMPORTS}/{path}": text for path, text in shipped_protos().items()}
