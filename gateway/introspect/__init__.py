"""From catalog to model: what the database really holds, and where it drifts."""

from gateway.introspect.differences import Change, Difference, Kind
from gateway.introspect.drift import ModelRefusedError, Sides, drift, read_sides

__all__ = ["Change", "Difference", "Kind", "ModelRefusedError", "Sides", "drift", "read_sides"]
