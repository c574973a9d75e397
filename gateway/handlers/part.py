"""The parts of the gateway that a handler reaches: as its caller, or whatever policies say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.db.executor import Executor
from gateway.handlers.database.statements import Statements
from gateway.methods import StepAdmission, own_handler_of
from gateway.methods.engine import Engine
from gateway.methods.transactions.steps import Steps
from gateway.request.calls.call import Call
from gateway.schema.model import Method
from gateway.schema.services.authored import AuthoredMethod


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """What handlers reach.

    Args:
        database: where its transactions are.
        methods: that can be called, by full name.
        steps: their handlers, in a transaction.
        alone: those of calls of their own; None where each is carried out in a transaction.
        admission: lets calls in, counts and tells of them.
        is_policed: whether the caller's rights hold.

    """

    database: Executor
    methods: Mapping[str, Method]
    steps: Steps
    alone: Steps | None
    admission: StepAdmission
    is_policed: bool


class _Unpoliced:
    """Lets all steps in, and has another admission read and tell of them."""

    def __init__(self, admission: StepAdmission) -> None:
        self.parse = admission.parse
        self.tell = admission.tell

    def enter(self, method: Method, call: Call) -> None:
        """Let a step in, whoever calls."""

    def require_told(self, path: str, call: Call) -> None:
        """Tell that a path leads nowhere, whoever calls."""

    def allows(self, method: Method, call: Call) -> bool:  # noqa: ARG002 - as StepAdmission has it
        """Return true."""
        return True

    def draw(self, methods: Sequence[Method], call: Call, whole: Method | None = None) -> None:
        """Count nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Both parts that the handlers of one engine reach.

    Args:
        policed: as the caller.
        bypassing: whatever policies say.
        statements: runs statements of their own.

    """

    policed: Part
    bypassing: Part
    statements: Statements


def parts_of(engine: Engine, own: Executor, statements: Statements, admission: StepAdmission) -> Parts:
    """Return what handlers reach.

    Args:
        engine: the gateway's parts.
        own: the database by the gateway's own role.
        statements: runs their own.
        admission: lets calls in.

    """
    callable_ = {name: one for name, one in engine.methods.items() if not isinstance(one, AuthoredMethod)}
    known = replace(engine, methods=callable_)
    policed = Part(
        known.database, callable_, _steps(known.of_steps()), _steps(known), admission, is_policed=True
    )
    without = replace(
        known, database=own, rules={}, presets={}, caller_roles=None, withheld={}, identified=False
    )
    bypassing = Part(
        own, callable_, _steps(without.of_steps()), None, _Unpoliced(admission), is_policed=False
    )
    return Parts(policed, bypassing, statements)


def _steps(engine: Engine) -> Steps:
    return Steps(engine, own_handler_of, field="", of_whole=())
