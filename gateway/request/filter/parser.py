"""Tokens → tree, by recursive descent over the grammar of AIP-160.

Each function has its rule as its docstring, from https://google.aip.dev/assets/misc/ebnf-filtering.txt.
"""

from dataclasses import replace

from gateway.errors import InvalidArgument
from gateway.request.filter.errors import filter_error
from gateway.request.filter.functions import COUNT, EXISTS
from gateway.request.filter.lexer import Kind, Token, tokens_of
from gateway.request.filter.tree import (
    All,
    Arg,
    Comparable,
    Expression,
    Function,
    Member,
    Negation,
    Restriction,
    Some,
)

MAX_DEPTH = 32
"""The deepest nesting of parentheses and function calls, and the longest path."""
MAX_TERMS = 256
"""The most restrictions of one filter."""
MAX_VALUES = 1_000
"""The most values behind one IN."""

_IN = "IN"
_TAKE_CONDITIONS = (EXISTS, COUNT)
_KEYWORDS = (Kind.AND, Kind.OR, Kind.NOT)
_VALUES = (Kind.TEXT, Kind.STRING)
_STARTS = (*_VALUES, Kind.NOT, Kind.MINUS, Kind.OPEN)


def parse(text: str, *, parentheses: bool = False) -> Expression | None:
    """Return what a filter says; None for an empty one. Raises InvalidArgument where it is no filter.

    With `parentheses` AND and OR may not stand side by side without: OR binds tighter in AIP-160 than in SQL
    and most languages, so what was meant isn't certain.
    """
    return _Parser(text, parentheses=parentheses).filter()


class _Parser:
    def __init__(self, text: str, *, parentheses: bool) -> None:
        self._text = text
        self._parentheses = parentheses
        self._bare: Token | None = None
        """The last OR outside of parentheses."""
        self._tokens = tokens_of(text)
        self._position = 0
        self._depth = 0
        self._terms = 0

    def filter(self) -> Expression | None:
        """Parse `filter : [expression]`."""
        if self._accept(Kind.END):
            return None
        expression = self._expression()
        if not self._accept(Kind.END):
            raise self._unexpected("expected AND, OR or the end")
        return expression

    def _expression(self) -> Expression:
        """Parse `expression : sequence {WS AND WS sequence}`."""
        sequences = [self._sequence()]
        bare = self._bare
        while self._accept(Kind.AND):
            sequences.append(self._sequence())
            bare = self._bare or bare
            self._check_bare(bare)
        return sequences[0] if len(sequences) == 1 else All(tuple(sequences))

    def _sequence(self) -> Expression:
        """Parse `sequence : factor {WS factor}`."""
        factors = [self._factor()]
        bare = self._bare
        while self._kind in _STARTS:
            if not self._apart:
                raise self._unexpected("expected AND, OR or a space before it")
            factors.append(self._factor())
            bare = self._bare or bare
            self._check_bare(bare)
        self._bare = bare
        return factors[0] if len(factors) == 1 else All(tuple(factors))

    def _factor(self) -> Expression:
        """Parse `factor : term {WS OR WS term}`."""
        terms = [self._term()]
        bare = None
        while token := self._accept(Kind.OR):
            bare = token
            terms.append(self._term())
        self._bare = bare
        return terms[0] if len(terms) == 1 else Some(tuple(terms))

    def _term(self) -> Expression:
        """Parse `term : [(NOT WS | MINUS)] simple`."""
        if self._accept(Kind.NOT):
            return Negation(self._simple())
        if self._accept(Kind.MINUS):
            return Negation(self._simple(), minus=True)
        return self._simple()

    def _simple(self) -> Expression:
        """Parse `simple : restriction | composite`."""
        if self._kind is Kind.OPEN:
            return self._composite()
        return self._restriction()

    def _restriction(self) -> Restriction:
        """Parse `restriction : comparable [comparator arg]`."""
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise InvalidArgument.field(
                "filter", f"has more than {MAX_TERMS} terms", reason="FILTER_TOO_COMPLEX"
            )
        comparable = self._comparable()
        if self._kind is Kind.TEXT and self._token.text == _IN and self._following is Kind.OPEN:
            return self._in(comparable)
        comparator = self._accept(Kind.COMPARATOR)
        if comparator is None:
            return Restriction(comparable)
        return Restriction(comparable, comparator, self._arg())

    def _in(self, comparable: Comparable) -> Restriction:
        """Parse `comparable IN LPAREN argList RPAREN`, which AIP-160 lacks: `=` beside each, joined by OR."""
        word = self._advance()
        self._enter()
        values = [self._arg()]
        while self._accept(Kind.COMMA):
            if len(values) == MAX_VALUES:
                raise InvalidArgument.field(
                    "filter", f"lists more than {MAX_VALUES} values", reason="FILTER_TOO_COMPLEX"
                )
            values.append(self._arg())
        self._leave('expected "," or ")"')
        items = tuple(Restriction(one) if isinstance(one, Member | Function) else one for one in values)
        return Restriction(comparable, replace(word, kind=Kind.COMPARATOR, text="="), Some(items))

    def _comparable(self) -> Comparable:
        """Parse `comparable : member | function`."""
        if self._kind not in _VALUES:
            raise self._unexpected("expected a field or a value")
        member = self._member()
        last = member.tokens[-1]
        call = self._kind is Kind.OPEN and self._token.offset == last.end and last.kind is not Kind.STRING
        return self._function(member) if call else member

    def _member(self, *, negative: bool = False) -> Member:
        """Parse `member : value {DOT field}`, where `field : value | keyword`."""
        tokens = [self._advance()]
        while self._accept(Kind.DOT):
            if self._kind not in (*_VALUES, *_KEYWORDS):
                raise self._unexpected('expected a field after "."')
            tokens.append(self._advance())
            if len(tokens) > MAX_DEPTH:
                raise _too_deep()
        return Member(tuple(tokens), negative)

    def _function(self, member: Member) -> Function:
        """Parse `function : name {DOT name} LPAREN [argList] RPAREN`, where `argList : arg {COMMA arg}`."""
        self._enter()
        args: list[Arg] = []
        takes_condition = member.tokens[-1].text in _TAKE_CONDITIONS
        if self._kind is not Kind.CLOSE:
            args.append(self._arg_of(takes_condition=takes_condition))
            while self._accept(Kind.COMMA):
                args.append(self._arg_of(takes_condition=takes_condition))
        self._leave('expected "," or ")"')
        return Function(member.tokens, tuple(args))

    def _arg_of(self, *, takes_condition: bool) -> Arg:
        """Parse an `arg`, or the `expression` that the rows of a relation are asked, which AIP-160 lacks."""
        if not takes_condition:
            return self._arg()
        match self._expression():
            case Restriction(comparable, None):
                return comparable
            case expression:
                return expression

    def _composite(self) -> Expression:
        """Parse `composite : LPAREN expression RPAREN`."""
        self._enter()
        expression = self._expression()
        self._leave('expected AND, OR or ")"')
        return expression

    def _arg(self) -> Arg:
        """Parse `arg : comparable | composite`, where a number may have a sign, as TEXT may hold one."""
        if self._kind is Kind.OPEN:
            return self._composite()
        minus = self._accept(Kind.MINUS)
        if minus is not None:
            if self._kind is not Kind.TEXT or self._token.offset != minus.end:
                raise self._unexpected('expected a number after "-"')
            return self._member(negative=True)
        if self._kind not in _VALUES:
            raise self._unexpected("expected a value")
        value = self._comparable()
        if isinstance(value, Function):
            self._refuse_arithmetic()
        return value

    def _refuse_arithmetic(self) -> None:
        """Raise for `now() - 7d`, which by the grammar looks for texts that don't hold "7d"."""
        sign, behind = self._token, self._tokens[min(self._position + 1, len(self._tokens) - 1)]
        is_minus = sign.kind is Kind.MINUS and behind.text[:1].isdigit()
        if is_minus or (sign.kind is Kind.TEXT and sign.text.startswith("+")):
            expected = "filters don't reckon: ago(7d) is seven days ago, fromNow(7d) in seven days"
            raise filter_error(self._text, sign.offset, expected)

    @property
    def _following(self) -> Kind:
        return self._tokens[self._position + 1].kind

    @property
    def _token(self) -> Token:
        return self._tokens[self._position]

    @property
    def _kind(self) -> Kind:
        return self._tokens[self._position].kind

    @property
    def _apart(self) -> bool:
        """Whether a space or a parenthesis stands between the last token and this one."""
        last = self._tokens[self._position - 1]
        return self._token.offset > last.end or Kind.OPEN is self._kind or Kind.CLOSE is last.kind

    def _advance(self) -> Token:
        token = self._token
        self._position += 1
        return token

    def _accept(self, kind: Kind) -> Token | None:
        return self._advance() if self._kind is kind else None

    def _enter(self) -> None:
        self._advance()
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _too_deep()

    def _leave(self, expected: str) -> None:
        if self._accept(Kind.CLOSE) is None:
            raise self._unexpected(expected)
        self._depth -= 1

    def _check_bare(self, bare: Token | None) -> None:
        if self._parentheses and bare is not None:
            raise filter_error(self._text, bare.offset, "OR beside AND needs parentheses around it")

    def _unexpected(self, expected: str) -> InvalidArgument:
        token = self._token
        found = "the end of the filter" if token.kind is Kind.END else f'"{token.text[:32]}"'
        return filter_error(self._text, token.offset, f"found {found}; {expected}")


def _too_deep() -> InvalidArgument:
    return InvalidArgument.field(
        "filter", f"is nested more than {MAX_DEPTH} levels deep", reason="FILTER_TOO_COMPLEX"
    )
