"""From tables' messages to protos that are served: the services, requests and responses that they lack."""

from gateway.scaffold.project import BadNameError, project_files
from gateway.scaffold.protos import Wishes, scaffolded

__all__ = ["BadNameError", "Wishes", "project_files", "scaffolded"]
