"""The syntax tree of a filter: one record per rule of AIP-160's grammar."""

from dataclasses import dataclass
from typing import TypeAlias

from gateway.request.filter.lexer import Token


@dataclass(frozen=True, slots=True)
class Member:
    """`value {DOT field}`: a field and the path below it, or a literal. A literal may have a sign."""

    tokens: tuple[Token, ...]
    negative: bool = False

    @property
    def offset(self) -> int:
        """Where it starts."""
        return self.tokens[0].offset

    @property
    def text(self) -> str:
        """What it says, as a literal."""
        return ("-" if self.negative else "") + ".".join(token.text for token in self.tokens)


@dataclass(frozen=True, slots=True)
class Function:
    """`name {DOT name} LPAREN [argList] RPAREN`."""

    names: tuple[Token, ...]
    args: tuple["Arg", ...]

    @property
    def offset(self) -> int:
        """Where it starts."""
        return self.names[0].offset

    @property
    def text(self) -> str:
        """Its name."""
        return ".".join(token.text for token in self.names)


@dataclass(frozen=True, slots=True)
class Restriction:
    """`comparable [comparator arg]`; without a comparator it is global."""

    comparable: "Comparable"
    comparator: Token | None = None
    arg: "Arg | None" = None


@dataclass(frozen=True, slots=True)
class All:
    """Expressions joined by AND, or by nothing but space."""

    items: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Some:
    """Expressions joined by OR."""

    items: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """`NOT` or, with `minus`, `-` before an expression."""

    item: "Expression"
    minus: bool = False


Comparable: TypeAlias = Member | Function
Expression: TypeAlias = All | Some | Negation | Restriction
Arg: TypeAlias = Comparable | Expression
