"""The filter language below the RPC: grammar, places of errors, shapes that share a statement."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import InvalidArgument
from gateway.request.filter import parse_filter
from gateway.request.filter.functions import ALIKE, COMPUTED
from gateway.request.filter.lexer import Kind, tokens_of
from gateway.request.filter.parser import MAX_DEPTH, MAX_TERMS, MAX_VALUES, parse
from gateway.request.filter.tree import All, Arg, Function, Negation, Restriction, Some
from gateway.request.filter.weight import MAX_WEIGHT
from gateway.schema.model import Resource
from gateway.sql.filters.functions import FUNCTIONS
from tests.harness.gateway import schema_of


def test_fields_of_one_type_are_compared_whatever_their_precision() -> None:
    star = schema_of("heavens").resources["heavens.v1.Star"]  # timestamptz and timestamptz(3)
    assert parse_filter("deleted_at > field(found_at)", star).shape is not None


@pytest.fixture(scope="module")
def scalar() -> Resource:
    return schema_of("types").resources["types.v1.Scalar"]


def shown(tree: Arg | None) -> str:
    """Write a tree with all its parentheses."""
    match tree:
        case All(items) | Some(items):
            joined = " & " if isinstance(tree, All) else " | "
            return f"({joined.join(map(shown, items))})"
        case Negation(item):
            return f"!{shown(item)}"
        case Restriction(left, comparator, arg):
            return f"{shown(left)} {comparator.text} {shown(arg)}" if comparator else shown(left)
        case Function(_, args):
            return f"{tree.text}({', '.join(map(shown, args))})"
    return f"<{tree.text}>" if tree else ""


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("  ", ""),
        ("a b AND c AND d", "((<a> & <b>) & <c> & <d>)"),
        ("New York Giants OR Yankees", "(<New> & <York> & (<Giants> | <Yankees>))"),
        ("a < 10 OR a >= 100", "(<a> < <10> | <a> >= <100>)"),
        ("NOT (a OR b)", "!(<a> | <b>)"),
        ('-file:".java"', "!<file> : <.java>"),
        ("-30", "!<30>"),
        ("package=com.google", "<package> = <com.google>"),
        ("msg != 'hello'", "<msg> != <hello>"),
        ("2.5 >= 2.4", "<2.5> >= <2.4>"),
        ("x = -2.997e-9", "<x> = <-2.997e-9>"),
        ("experiment.rollout <= cohort(request.user)", "<experiment.rollout> <= cohort(<request.user>)"),
        ("prod", "<prod>"),
        ("expr.type_map.1.type:*", "<expr.type_map.1.type> : <*>"),
        ("regex(m.key, '^.*prod.*$')", "regex(<m.key>, <^.*prod.*$>)"),
        ("math.mem('30mb', -1)", "math.mem(<30mb>, <-1>)"),
        ("(msg.endsWith('world') AND retries < 10)", "(msg.endsWith(<world>) & <retries> < <10>)"),
        ("a.NOT.b = (x OR NOT y)", "<a.NOT.b> = (<x> | !<y>)"),
        ("t > 2012-04-21T11:30:00.5-04:00", "<t> > <2012-04-21T11:30:00.5-04:00>"),
        ("a=1.5s b:10.0.0.1", "(<a> = <1.5s> & <b> : <10.0.0.1>)"),
        ("NOTHING ANDY ORB", "(<NOTHING> & <ANDY> & <ORB>)"),
        ("a IN (b, 'c d', -5)", "<a> = (<b> | <c d> | <-5>)"),
        ("f(a) IN (g(b)) IN", "(f(<a>) = (g(<b>)) & <IN>)"),
        ("IN (a) b", "(<IN> & <a> & <b>)"),
        ("'IN' IN (x)", "<IN> = (<x>)"),
        ("a > ago(7d) -b", "(<a> > ago(<7d>) & !<b>)"),
    ],
)
def test_the_grammar_is_that_of_aip_160(text: str, meaning: str) -> None:
    assert shown(parse(text)) == meaning


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("a = ", 5, "expected a value"),
        ("(a", 3, 'expected AND, OR or ")"'),
        ("a = 5 )", 7, "expected AND, OR or the end"),
        ('x = "abc', 5, 'no closing "'),
        (r'x = "a\q"', 7, "unknown escape"),
        ('a = "x""y"', 8, "a space before"),
        ("a AND", 6, "expected a field or a value"),
        ("AND a", 1, "expected a field or a value"),
        ("a. = 2", 4, 'expected a field after "."'),
        ("f(a", 4, 'expected "," or ")"'),
        ("a ! b", 3, "unexpected '!'"),
        ("int32_vlue = 2", 1, 'did you mean "int32_value"?'),
        ("int32_value = two", 15, "expected a whole number"),
        ('int32_value = "2"', 15, "without quotes"),
        ("int32_value = 3000000000", 15, "outside"),
        ("float_value = 1e300", 15, "single precision"),
        ("bool_value > true", 12, "expected = or !="),
        ("color = PINK", 9, "expected the name"),
        ("color = COLOR_REDD", 9, 'did you mean "COLOR_RED"?'),
        ("at > yesterday", 6, "expected a timestamp"),
        ("string_value = timestamp('x')", 16, "not timestamp"),
        ("string_value", 1, "expected a comparator after it"),
        ('"string_value" = x', 1, "has no field"),
        ("string_value > null", 14, "expected = or !="),
        ("string_value = (a < b)", 17, "a comparison can't stand in a value"),
        ("startWith(string_value, 'x')", 1, 'did you mean "startsWith"?'),
        ("startsWith(int32_value, 'x')", 12, "text field"),
        ("startsWith(string_value)", 1, 'expected startsWith(field, "text")'),
        ("startsWith(string_value, x) = 1", 29, "takes no comparator"),
        ("string_value = 'a\0'", 16, "NUL"),
        ("string_value IN ()", 18, "expected a value"),
        ("string_value IN (a b)", 20, 'expected "," or ")"'),
        ("int32_value IN (1, x)", 20, "expected a whole number"),
        ("color IN (COLOR_RED, PINK)", 22, "expected the name"),
        ("at > now() - 7d", 12, "ago(7d)"),
        ("at > now() + 7d", 12, "fromNow(7d)"),
        ("at > timestamp('2012-04-21T11:30:00Z') -7d", 40, "filters don't reckon"),
        ("at > ago(7)", 10, "is no span of time"),
        ("at > ago(40000d)", 10, "a hundred years"),
        ("at > now(1)", 6, "expected now()"),
        ("at > ago()", 6, "expected ago(7d)"),
        ("at:now(5)", 4, "expected now()"),
        ("int32_value > ago(7d)", 13, "no time"),
        ("at > soon()", 6, "the functions that give one are"),
        ("lowr(string_value) = a", 1, 'did you mean "lower"?'),
        ("lower(string_value)", 1, "expected a comparator after it"),
        ("lower(int32_value) = a", 7, "lower takes a text; int32_value is none"),
        ("lower(string_value, a) = b", 1, "expected lower(field)"),
        ("lower(string_valu) = a", 7, 'did you mean "string_value"?'),
        ("lower(string_value):*", 20, "ask it of the field"),
        ("length(string_value) = a", 24, "expected a whole number"),
        ("length(int32_value) > 1", 8, "a text, bytes or a list"),
        ("year(string_value) = 1", 6, "a Timestamp or Date"),
        ("date(at) = 2012", 12, "expected a date"),
        ("length(string_value) = date('2012-04-21')", 24, "not date"),
        ("string_value = field(int32_value)", 14, "only fields of one kind"),
        ("string_value = field('x')", 22, "has no field"),
        ("string_value:field(short_text)", 13, "two fields have no"),
        ("color < field(color_enum)", 7, "expected = or !="),
        ("string_value = field(short_text, color)", 16, "expected field(other)"),
        ("matches(string_value, 'a')  = true", 29, "takes no comparator"),
        ("string_value.matches('a{300}')", 22, "character 2 of the regular expression"),
    ],
)
def test_an_error_has_its_place_and_says_what_would_be_right(
    scalar: Resource, text: str, column: int, says: str
) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse_filter(text, scalar)
    (violation,) = caught.value.violations
    assert (caught.value.reason, violation.field) == ("INVALID_FILTER", "filter")
    assert caught.value.metadata == {"column": str(column)}
    assert says in violation.description
    *_, excerpt, caret = violation.description.split("\n")
    assert caret == " " * (column + 1) + "^"
    assert len(caret) <= len(excerpt) + 1


def test_an_error_far_to_the_right_shows_its_surroundings_alone(scalar: Resource) -> None:
    text = "int32_value = 1 " * 100 + "AND )"
    with pytest.raises(InvalidArgument) as caught:
        parse_filter(text, scalar)
    *_, excerpt, caret = caught.value.message.split("\n")
    assert excerpt[caret.index("^")] == ")"
    assert len(caught.value.message) < 300


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a" * 8193, "FILTER_TOO_LONG"),
        ("(" * (MAX_DEPTH + 1) + "a" + ")" * (MAX_DEPTH + 1), "FILTER_TOO_COMPLEX"),
        ("a " * (MAX_TERMS + 1), "FILTER_TOO_COMPLEX"),
        ("a" + ".b" * MAX_DEPTH, "FILTER_TOO_COMPLEX"),
        ("a IN (b" + ",b" * MAX_VALUES + ")", "FILTER_TOO_COMPLEX"),
    ],
)
def test_filters_have_limits(text: str, reason: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse(text)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("term", "most"),
    [
        ("fold(string_value) = a", MAX_WEIGHT // 4),
        ("lower(fold(string_value)) IN (a, b)", MAX_WEIGHT // 11),
        ("lower(upper(lower(fold(string_value)))) = a", MAX_WEIGHT // 13),
        ("string_value IN (a, 'b*')", MAX_WEIGHT // 2),
        ("-(NOT (-fold(string_value) = a))", MAX_WEIGHT // 7),
    ],
)
def test_a_filter_weighs_what_its_statement_costs(scalar: Resource, term: str, most: int) -> None:
    parse_filter(" ".join([term] * min(most, MAX_TERMS)), scalar)
    with pytest.raises(InvalidArgument) as caught:
        parse_filter(" ".join([term] * (most + 1)), scalar)
    assert caught.value.reason == "FILTER_TOO_COMPLEX"


def test_functions_of_functions_have_a_limit(scalar: Resource) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse_filter("fold(fold(fold(fold(fold(string_value))))) = a", scalar)
    assert caught.value.reason == "FILTER_TOO_COMPLEX"


@settings(max_examples=500)
@given(st.text(max_size=60))
def test_a_quoted_text_is_one_literal_with_its_own_characters(text: str) -> None:
    usable = text.replace("\0", "")
    escaped = usable.replace("\\", "\\\\").replace("'", "\\'").replace("*", "\\*")
    string, end = tokens_of(f"'{escaped}'")
    assert (string.kind, string.text, string.parts) == (Kind.STRING, usable, (usable,))
    assert end.kind is Kind.END


@settings(max_examples=1000)
@given(st.text(max_size=40) | st.text(alphabet="ab.,:=<>!()'\"\\*- \t0159eEs+TZANDORNOT", max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        parse(text)
    except InvalidArgument as refused:
        assert refused.violations[0].field == "filter"  # noqa: PT017 - most texts are refused, some are not


def test_filters_that_differ_in_literals_have_one_shape(scalar: Resource) -> None:
    one = parse_filter('int32_value > 5 AND string_value = "a*" OR at < 2020-01-01T00:00:00Z', scalar)
    two = parse_filter("int32_value > -7 AND string_value = '*z' OR at < 1999-01-01T00:00:00+01:00", scalar)
    other = parse_filter('int32_value >= 5 AND string_value = "a*" OR at < 2020-01-01T00:00:00Z', scalar)
    assert one.shape == two.shape
    assert hash(one.shape) == hash(two.shape)
    assert one.values != two.values
    assert one.shape != other.shape


def test_lists_of_any_length_share_a_statement(scalar: Resource) -> None:
    one = parse_filter('string_value IN ("a") AND int32_value = (1 OR 2)', scalar)
    many = ", ".join(f'"{i}"' for i in range(1000))
    assert parse_filter(f"string_value IN ({many}) AND int32_value IN (1, 2, 3)", scalar).shape == one.shape


def test_each_function_is_computed_by_sql() -> None:
    assert FUNCTIONS.keys() == COMPUTED.keys()
    assert COMPUTED.keys() >= ALIKE
