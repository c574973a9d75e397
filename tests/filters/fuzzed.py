"""Filters without end: drawn by the grammar, from its words in any order, and wrong by a character or two."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from sqlalchemy import Table

from gateway.errors import InvalidArgument
from gateway.request.filter import parse_filter
from gateway.request.filter.functions import CONDITIONS, FUNCTIONS, LITERALS, TIMES
from gateway.request.filter.related.relations import NO_RELATIONS, Relations
from gateway.schema.model import Field, Resource
from gateway.schema.values import ValueKind
from gateway.sql.reads.select import Rows, count_rows

MOST_SECONDS = 0.05
"""That the plan and the statement of a filter may take of the processor."""
_WORDS = (
    *(
        "AND",
        "OR",
        "NOT",
        "IN",
        "(",
        ")",
        "(",
        ")",
        ",",
        ".",
        ":",
        "=",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        "-",
        "*",
        " ",
    ),
    *(
        "null",
        "true",
        "false",
        "NaN",
        "1",
        "-7",
        "2.5",
        "1e400",
        "99999999999999999999",
        "7d",
        "1h30m",
        "0.1s",
    ),
    *(
        '"a*"',
        "'x",
        '"\\u00e9"',
        '"\\\\"',
        "x",
        "\0",
        "😀",
        "\u202e",
        "2012-04-21T11:30:00Z",
        "2012-04-21",
        "11:30:00",
    ),
    *(
        "now()",
        "ago(7d)",
        "fromNow(",
        "field(",
        "timestamp(",
        "COLOR_RED",
        "COLOR_PINK",
        "principal.id",
        "\\",
        "%",
    ),
)
_VALUES = (
    *(
        "null",
        "true",
        "false",
        "*",
        "1",
        "-1",
        "0",
        "2.5",
        "-0.0",
        "1e10",
        "NaN",
        "Infinity",
        "a",
        "a*",
        "COLOR_RED",
    ),
    *(
        '"a"',
        '"*a*b"',
        '""',
        "'it\\'s'",
        '"%_\\\\"',
        '"2012-04-21"',
        "2012-04-21T11:30:00Z",
        '"11:30:00"',
        "1.5s",
        "7d",
    ),
    *(
        '"10.0.0.1"',
        '"123e4567-e89b-12d3-a456-426614174000"',
        '"aGk="',
        '"{}"',
        '"[1]"',
        "now()",
        "ago(7d)",
        "fromNow(1h)",
    ),
    *(
        "field(id)",
        'timestamp("2012-04-21T11:30:00Z")',
        'duration("1h")',
        'date("2012-04-21")',
        "(a OR b)",
        "(1 2)",
        "-(a)",
    ),
    *('"\\u202e"', '"😀"', "9223372036854775807", "-9223372036854775809", '"' + "x" * 300 + '"'),
)
_FITTING: Mapping[ValueKind, Sequence[str]] = {
    ValueKind.INTEGER: ("1", "-1", "0", "42", "null", "*", "(1 OR 2)", "9223372036854775807"),
    ValueKind.FLOAT: ("1", "-2.5", "1e10", "NaN", "-Infinity", "null"),
    ValueKind.DECIMAL: ("1", "-2.50", "1e10", "null", "99999999999999999999.5"),
    ValueKind.BOOL: ("true", "false", "null"),
    ValueKind.TEXT: ("a", '"a*"', '"*%_*"', '""', "null", "*", '"\\u00e9"', "(a OR -b)", "field(id)", '"😀"'),
    ValueKind.BYTES: ('"aGk="', '""', "null", "*"),
    ValueKind.UUID: ('"123e4567-e89b-12d3-a456-426614174000"', "null"),
    ValueKind.ENUM: ("COLOR_RED", "HUE_WARM", "null"),
    ValueKind.TIMESTAMP: (
        "2012-04-21T11:30:00Z",
        "now()",
        "ago(7d)",
        "fromNow(1h)",
        "null",
        'timestamp("2012-04-21T11:30:00Z")',
    ),
    ValueKind.DATE: ('"2012-04-21"', "now()", "ago(2w)", "null"),
    ValueKind.TIME: ('"11:30:00"', "null"),
    ValueKind.DURATION: ("1.5s", "1h30m", "-2d", "null"),
    ValueKind.NETWORK: ('"10.0.0.1"', "null"),
}
_SIGNS = ("=", "!=", "<", "<=", ">", ">=", ":", ":")
_PATTERNS = (
    "a",
    "^a+$",
    "(a+)+$",
    "(?i)x|y",
    "[a-z]{2,5}",
    "\\\\d",
    "(",
    "a**",
    "a{300}",
    "[b-a]",
    ".*" * 50,
)
_BELOW = ("name", "parts", "a", "b", "at", "big", "1", "true", '"odd key"', "env", "nothing")


@dataclass
class Tally:
    """What became of filters.

    Args:
        kinds: how many were planned, and how many refused for which reason.
        faults: what went wrong.
        slowest: the most seconds that one took.
        asked: how many PostgreSQL was asked.

    """

    kinds: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest: float = 0.0
    asked: int = 0

    def __str__(self) -> str:
        counted = ", ".join(f"{count} {kind}" for kind, count in sorted(self.kinds.items()))
        total = sum(self.kinds.values())
        slowest = f"slowest {self.slowest * 1000:.1f} ms"
        return f"{total} ({counted}), {self.asked} of them asked, {len(self.faults)} faults, {slowest}"


class Fuzzer:
    """Draws filters of a resource by a number."""

    def __init__(self, resource: Resource, relations: Relations = NO_RELATIONS) -> None:
        self._resource = resource
        self._relations = relations
        self._fields = resource.fields
        self._ways: Sequence[Callable[[Random], str]] = (
            self._by_grammar,
            self._mutated,
            self._words,
            self._large,
        )

    def filter(self, number: int) -> str:
        """Return a filter, the same for the same number."""
        chance = Random(number)  # noqa: S311 - cases, no secrets
        (way,) = chance.choices(self._ways, (50, 30, 19, 1))
        return way(chance)

    def _by_grammar(self, chance: Random, depth: int = 3) -> str:
        shape = chance.random()
        if depth == 0 or shape < 0.6:
            return self._restriction(chance)
        if shape < 0.7:
            return chance.choice(("NOT ", "-")) + self._by_grammar(chance, depth - 1)
        if shape < 0.8:
            return f"({self._by_grammar(chance, depth - 1)})"
        word = chance.choice((" AND ", " OR ", " "))
        return word.join(self._by_grammar(chance, depth - 1) for _ in range(chance.randint(2, 3)))

    def _restriction(self, chance: Random) -> str:
        if self._resource.relations and chance.random() < 0.5:
            return self._related(chance)
        if chance.random() < 0.85:
            return self._fitting(chance)
        subject = self._subject(chance)
        kind = chance.random()
        if kind < 0.1:
            return f"{subject} IN ({', '.join(chance.choices(_VALUES, k=chance.randint(0, 4)))})"
        if kind < 0.2:
            text = chance.choice(_PATTERNS) if chance.random() < 0.6 else chance.choice(_VALUES).strip('"')
            name = chance.choice(CONDITIONS)
            return f'{name}({subject}, "{text}")' if chance.random() < 0.7 else f'{subject}.{name}("{text}")'
        if kind < 0.23:
            return chance.choice(_VALUES)
        return f"{subject}{chance.choice(('', ' '))}{chance.choice(_SIGNS)}{chance.choice(_VALUES)}"

    def _related(self, chance: Random) -> str:
        """Return what is asked of rows that relations lead to."""
        target, steps = self._resource, []
        while target.relations and len(steps) < 5 and (not steps or chance.random() < 0.5):
            relation = chance.choice(target.relations)
            steps.append(relation.name)
            target = self._relations.resources[relation.target]
        way, form = ".".join(steps), chance.randrange(5)
        inner = Fuzzer(target, self._relations)
        match form:
            case 0:
                return f"{way}:*"
            case 1:
                condition = f", {inner._by_grammar(chance, 1)}" if chance.random() < 0.5 else ""
                return f"count({way}{condition}) {chance.choice(_SIGNS)} {chance.choice(_VALUES)}"
            case 2:
                return f"exists({way}, {inner._by_grammar(chance, 1)})"
        return f"{way}.{inner._fitting(chance)}"

    def _subject(self, chance: Random, depth: int = 2) -> str:
        if depth and chance.random() < 0.3:
            name = chance.choice((*FUNCTIONS, *FUNCTIONS, *LITERALS, *TIMES, "none"))
            return f"{name}({self._subject(chance, depth - 1)})"
        return self._path(chance, chance.choice(self._fields))

    def _path(self, chance: Random, field: Field) -> str:
        deep = field.type.kind is ValueKind.JSON or chance.random() < 0.05
        return ".".join(
            (field.name, *chance.choices(_BELOW, k=chance.choice((0, 1, 1, 2, 4)) if deep else 0))
        )

    def _fitting(self, chance: Random) -> str:
        """Return a comparison whose value has the kind of its field, most often."""
        field = chance.choice(self._fields)
        subject, kind = self._path(chance, field), field.type.kind
        fitting = [name for name, one in FUNCTIONS.items() if any(kind in of.takes for of in one.overloads)]
        if fitting and chance.random() < 0.4:
            name = chance.choice(fitting)
            subject = f"{name}({subject})"
            kind = next(of.gives for of in FUNCTIONS[name].overloads if field.type.kind in of.takes).kind
        values = _FITTING.get(kind, _VALUES)
        if chance.random() < 0.15:
            return f"{subject} IN ({', '.join(chance.choices(values, k=chance.randint(1, 4)))})"
        if kind is ValueKind.TEXT and chance.random() < 0.2:
            return f'{chance.choice(CONDITIONS)}({subject}, "{chance.choice(_PATTERNS[:6])}")'
        if field.type.kind in {ValueKind.JSON, ValueKind.ARRAY} and subject.startswith(field.name):
            return f"{subject}:{chance.choice(_VALUES)}"
        return f"{subject} {chance.choice(('=', '!=', '<', '>='))} {chance.choice(values)}"

    def _mutated(self, chance: Random) -> str:
        text = self._by_grammar(chance)
        for _ in range(chance.randint(1, 3)):
            place = chance.randrange(len(text) + 1)
            rest = text[place + chance.randint(0, 3) :]
            text = text[:place] + chance.choice((*_WORDS, "", "", text[place : place + 5] * 2)) + rest
        return text

    def _words(self, chance: Random) -> str:
        words = (*_WORDS, *(one.name for one in self._fields), *FUNCTIONS)
        return chance.choice(("", " ")).join(chance.choices(words, k=chance.randint(0, 40)))

    def _large(self, chance: Random) -> str:
        """Return one near the limits: of length, of terms, or of nesting."""
        part = self._restriction(chance)
        form = chance.randrange(5)
        if form in (0, 4):
            depth = chance.randint(0, 31) if form else 0
            part = chance.choice(("-(", "NOT (", "(")) * depth + part + ")" * depth
            most = 8_300 // (len(part) + 4) + 1
            return chance.choice((" ", " OR ", " AND ")).join([part] * chance.randint(1, most))
        if form == 1:
            depth = chance.randint(25, 40)
            return "(" * depth + part + ")" * depth
        if form == 2:
            name, depth = chance.choice([*FUNCTIONS]), chance.randint(1, 40)
            return f"{name}(" * depth + self._subject(chance) + ")" * depth + " = a"
        return f"{self._subject(chance)} IN ({', '.join([chance.choice(_VALUES)] * 1_100)})"[:8_192]


def try_filters(
    resources: Mapping[str, tuple[Resource, Table, Relations]], numbers: Iterator[int] | range, tally: Tally
) -> Iterator[tuple[str, str]]:
    """Plan filters, and make their statements; yield those that may be asked, each with its resource's name.

    A fault is any error but a refusal, and one that takes too long.
    """
    fuzzers = {name: Fuzzer(resource, relations) for name, (resource, _, relations) in resources.items()}
    names = sorted(resources)
    for number in numbers:
        name = names[number % len(names)]
        text = fuzzers[name].filter(number)
        begun = time.thread_time()
        kind = _tried(*resources[name], text)
        taken = time.thread_time() - begun
        tally.kinds[kind.split(":")[0]] += 1
        tally.slowest = max(tally.slowest, taken)
        if kind.startswith("fault") or taken > MOST_SECONDS:
            tally.faults.append(f"{number} of {name}: {kind}, {taken * 1000:.1f} ms: {text[:300]!r}")
        if kind == "planned":
            yield name, text


def _tried(resource: Resource, table: Table, relations: Relations, text: str) -> str:
    try:
        planned = parse_filter(text, resource, relations)
        if planned.shape is not None:
            count_rows(resource, table, Rows(planned.shape))
    except InvalidArgument as refused:
        return str(refused.reason)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a fault
        return f"fault: {type(error).__name__}: {error}"
    return "planned"
