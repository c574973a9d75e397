"""Histories: what clients asked of one object, when, and what they were told."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(slots=True)
class Operation:
    """A call, or the repetitions of one under the same request_id.

    Args:
        client: who made it.
        call: when, in nanoseconds.
        input: what it asks for, as the checker's `Input`.
        output: what it was told, as the checker's `Output`.
        end: when it was told; None where its outcome is open.

    """

    client: int
    call: int
    input: Mapping[str, Any]
    output: Mapping[str, Any] = field(default_factory=dict)
    end: int | None = None


@dataclass(slots=True)
class History:
    """The operations of one object.

    Args:
        name: unlike all others'.
        model: `rows` or `set`.

    """

    name: str
    model: str
    operations: list[Operation] = field(default_factory=list)

    def begin(self, client: int, input_: Mapping[str, Any]) -> Operation:
        """Record that an operation begins."""
        self.operations.append(Operation(client, time.monotonic_ns(), input_))
        return self.operations[-1]

    def end(self, operation: Operation, output: Mapping[str, Any]) -> None:
        """Record what an operation was told."""
        operation.output, operation.end = output, time.monotonic_ns()

    def forget(self, operation: Operation) -> None:
        """Leave out an operation that changed and told nothing."""
        self.operations.remove(operation)

    @property
    def open(self) -> int:
        """How many outcomes are open."""
        return sum(operation.end is None for operation in self.operations)

    def as_json(self) -> Mapping[str, Any]:
        """Return what the checker reads."""
        operations = [asdict(operation) for operation in self.operations]
        return {
            "name": self.name,
            "model": self.model,
            "operations": [{**one, "return": one.pop("end")} for one in operations],
        }
