"""Queries become trees, and broken ones are refused in Prometheus' words."""

import json
from math import inf, isnan
from pathlib import Path

import pytest

from gnomon.model.matchers import Matcher, MatchOperator
from gnomon.promql.errors import ParseError
from gnomon.promql.parser import ALL_STABLE, EVERYTHING, parse, parse_selector
from gnomon.promql.printer import to_string
from gnomon.promql.syntax_tree import (
    Aggregation,
    AtAnchor,
    Binary,
    Call,
    Cardinality,
    DurationOperation,
    Features,
    Matching,
    MatrixSelector,
    NumberLiteral,
    Parentheses,
    Span,
    StepCall,
    StringLiteral,
    Subquery,
    Unary,
    ValueType,
    VectorSelector,
    WindowEdges,
)
from gnomon.promql.value_types import value_type

MALFORMED = [
    json.loads(line)
    for line in (Path(__file__).parent / "malformed.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
KNOWN_TO_3_9 = Features(EVERYTHING.enabled - {"promql-binop-fill-modifiers"})


@pytest.mark.parametrize(("query", "message"), MALFORMED, ids=[query or "(empty)" for query, _ in MALFORMED])
def test_broken_queries_are_refused_in_prometheus_words(query: str, message: str) -> None:
    """Reason, line and column are those of Prometheus 3.9."""
    with pytest.raises(ParseError) as refused:
        parse(query, KNOWN_TO_3_9)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("12.34e-6", 12.34e-6),
        (".5", 0.5),
        ("2.", 2.0),
        ("0x1F", 31.0),
        ("1_000_000", 1e6),
        ("0755", 493.0),
        ("08", 8.0),
        ("inF", inf),
        ("-Inf", -inf),
        ("1h30m", 5400.0),
        ("5ms", 0.005),
        ("-5m", -300.0),
    ],
)
def test_numbers_are_read_as_prometheus_reads_them(query: str, value: float) -> None:
    """Hexadecimal, octal, underscores, infinities and durations are all numbers."""
    literal = parse(query)
    assert isinstance(literal, NumberLiteral)
    assert literal.value == value


def test_nan_is_a_number() -> None:
    """NaN may be written in any case."""
    literal = parse("nAn")
    assert isinstance(literal, NumberLiteral)
    assert isnan(literal.value)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (r'"a\n\x41\101\u00e9\U0001F600"', "a\nAAé\U0001f600"),
        (r"'it\'s \"'", None),
        ("`raw \\n 'text'`", "raw \\n 'text'"),
        (r'"\xff"', "\udcff"),
        ("'a\"b'", 'a"b'),
    ],
)
def test_strings_follow_the_rules_of_go(query: str, text: str | None) -> None:
    """Three kinds of quotes; bytes that are no UTF-8 are kept as lone surrogates."""
    if text is None:
        with pytest.raises(ParseError, match="unknown escape sequence"):
            parse(query)
    else:
        literal = parse(query)
        assert isinstance(literal, StringLiteral)
        assert literal.value == text


def test_selectors_keep_name_matchers_and_place() -> None:
    """The metric's name is the last matcher, and modifiers count to the selector's place."""
    assert parse(' up{job=~"a.*",} offset -5m @ 1.5') == VectorSelector(
        "up",
        (Matcher("job", MatchOperator.REGEX, "a.*"), Matcher("__name__", MatchOperator.EQUAL, "up")),
        Span(1, 33),
        offset=NumberLiteral(-300.0, Span(24, 27), duration=True),
        at_s=1.5,
    )


def test_quoted_names_are_matchers() -> None:
    """A metric's name in quotes stands among the matchers; label names in quotes may be any text."""
    selector = parse('{"http.requests", "service.name"!="a"}')
    assert isinstance(selector, VectorSelector)
    assert selector.name == ""
    assert selector.matchers == (
        Matcher("__name__", MatchOperator.EQUAL, "http.requests"),
        Matcher("service.name", MatchOperator.NOT_EQUAL, "a"),
    )


@pytest.mark.parametrize("word", ["sum", "by", "offset", "and", "start", "step", "fill", "anchored", "limitk"])
def test_keywords_are_names_of_metrics_where_nothing_else_fits(word: str) -> None:
    """Only on, ignoring, group_left, group_right, bool and atan2 are reserved."""
    for query in (word, f"{word} + 1", f'{word}{{a="b"}}', f"rate({word}[5m])"):
        parse(query)


def test_ranges_and_subqueries() -> None:
    """Brackets take durations or numbers of seconds; offset and @ belong to the selector or subquery."""
    matrix = parse("rate(up[300] @ end() offset 1h)")
    assert isinstance(matrix, Call)
    (argument,) = matrix.arguments
    assert isinstance(argument, MatrixSelector)
    assert argument.range == NumberLiteral(300.0, Span(8, 11))
    assert argument.selector.at is AtAnchor.END
    assert argument.selector.offset == NumberLiteral(3600.0, Span(28, 30), duration=True)

    subquery = parse("up[1h:5m] offset 1m")
    assert isinstance(subquery, Subquery)
    assert isinstance(subquery.step, NumberLiteral)
    assert subquery.step.value == 300.0
    assert subquery.offset is not None
    default = parse("up[1h:]")
    assert isinstance(default, Subquery)
    assert default.step is None


@pytest.mark.parametrize(
    ("query", "meaning"),
    [
        ("a + b * c", "a + (b * c)"),
        ("a * b + c", "(a * b) + c"),
        ("a - b - c", "(a - b) - c"),
        ("a ^ b ^ c", "a ^ (b ^ c)"),
        ("-a ^ b", "-(a ^ b)"),
        ("-a * b", "(-a) * b"),
        ("2 ^ -a * b", "(2 ^ (-a)) * b"),
        ("a or b and c unless d", "a or ((b and c) unless d)"),
        ("a == b + c", "a == (b + c)"),
        ("a atan2 b * c", "(a atan2 b) * c"),
        ("a > b == c", "(a > b) == c"),
        ("a offset 5m + 1", "(a offset 5m) + 1"),
        ("a >/ 1 + 2", "a >/ (1 + 2)"),
    ],
)
def test_operators_bind_as_prometheus_documents(query: str, meaning: str) -> None:
    """Precedence and associativity, written out with parentheses."""

    def strip(text: str) -> str:
        return to_string(parse(text))

    def bracket(query: str) -> str:
        expression = parse(query)
        return _bracketed(expression)

    assert bracket(query) == bracket(meaning), strip(query)


def _bracketed(expression: object) -> str:
    if isinstance(expression, Parentheses):
        return _bracketed(expression.expression)
    if isinstance(expression, Binary):
        return f"({_bracketed(expression.left)} {expression.operator} {_bracketed(expression.right)})"
    if isinstance(expression, Unary):
        return f"({expression.operator}{_bracketed(expression.expression)})"
    return to_string(expression)  # type: ignore[arg-type]


def test_vector_matching_is_kept() -> None:
    """on, ignoring, group modifiers and bool end up in the operation; set operators match many to many."""
    operation = parse('a == bool on(x, "y.z",) group_left(w) b')
    assert isinstance(operation, Binary)
    assert operation.bool_modifier
    assert operation.matching == Matching(Cardinality.MANY_TO_ONE, ("x", "y.z"), on=True, include=("w",))
    plain = parse("a + b")
    assert isinstance(plain, Binary)
    assert plain.matching == Matching()
    union = parse("a or ignoring(x) b")
    assert isinstance(union, Binary)
    assert union.matching == Matching(Cardinality.MANY_TO_MANY, ("x",))
    scalar = parse("a + 1")
    assert isinstance(scalar, Binary)
    assert scalar.matching is None


def test_fill_modifiers_stand_in_for_missing_sides() -> None:
    """fill sets both sides; fill_left and fill_right one each."""
    both = parse("a + on(x) fill(-1) b", EVERYTHING)
    assert isinstance(both, Binary)
    assert both.matching == Matching(labels=("x",), on=True, fill_left=-1.0, fill_right=-1.0)
    sides = parse("a + fill_left(5) fill_right(Inf) b", EVERYTHING)
    assert isinstance(sides, Binary)
    assert sides.matching == Matching(fill_left=5.0, fill_right=inf)


def test_aggregations_take_their_grouping_on_either_side() -> None:
    """The words before and after mean the same."""
    before = parse("topk by (job) (5, up)")
    after = parse("TOPK(5, up) BY (job)")
    assert isinstance(before, Aggregation)
    assert isinstance(after, Aggregation)
    assert before.grouping == after.grouping == ("job",)
    assert before.operator == after.operator == "topk"
    assert before.parameter == NumberLiteral(5.0, Span(15, 16))


def test_duration_expressions_become_operations() -> None:
    """Arithmetic in brackets keeps its shape: the step is known only when the query runs."""
    matrix = parse("up[(5m + step()) * 2]", EVERYTHING)
    assert isinstance(matrix, MatrixSelector)
    product = matrix.range
    assert isinstance(product, DurationOperation)
    assert product.operator == "*"
    total = product.operands[0]
    assert isinstance(total, DurationOperation)
    assert total.parenthesized
    assert total.operands[1] == StepCall("step", Span(9, 15))
    first_only = parse("up offset 5m * 2", EVERYTHING)
    assert isinstance(first_only, Binary)


def test_edges_are_kept_with_the_selector() -> None:
    """anchored and smoothed stand behind a selector or a range."""
    matrix = parse("up[5m] anchored", EVERYTHING)
    assert isinstance(matrix, MatrixSelector)
    assert matrix.selector.edges is WindowEdges.ANCHORED


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("info(up)", '1:1: parse error: function "info" is not enabled'),
        (
            "limitk(1, up)",
            (
                "1:1: parse error: limitk() is experimental and must be enabled with "
                "--enable-feature=promql-experimental-functions"
            ),
        ),
        ("up[5m+1m]", "1:4: parse error: experimental duration expression is not enabled"),
        ("up offset (5m)", "1:12: parse error: experimental duration expression is not enabled"),
        ("up smoothed", "1:1: parse error: smoothed modifier is experimental and not enabled"),
        ("a + fill(0) b", "1:5: parse error: binop fill modifiers are experimental and not enabled"),
    ],
)
def test_experimental_parts_want_their_feature(query: str, message: str) -> None:
    """Without the feature of Prometheus' name they are refused, with it they are taken."""
    with pytest.raises(ParseError) as refused:
        parse(query, ALL_STABLE)
    assert str(refused.value) == message
    parse(query, EVERYTHING)


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("1 + 2", ValueType.SCALAR),
        ("up + 2", ValueType.VECTOR),
        ("-(up[5m:1m])[5m:]", None),
        ("up[5m]", ValueType.MATRIX),
        ("time() * 2", ValueType.SCALAR),
        ('("a")', ValueType.STRING),
        ("sum(up)", ValueType.VECTOR),
    ],
)
def test_types_follow_from_the_parts(query: str, kind: ValueType | None) -> None:
    """What a query yields is known before it runs."""
    if kind is None:
        with pytest.raises(ParseError):
            parse(query)
    else:
        assert value_type(parse(query)) is kind


def test_places_count_characters_and_messages_count_bytes() -> None:
    """An editor marks the character; the message says what Prometheus says."""
    with pytest.raises(ParseError) as refused:
        parse('"é" + up')
    assert refused.value.position == 0
    with pytest.raises(ParseError) as refused:
        parse('up{a="é"} ++ é')
    assert refused.value.position == 13
    assert str(refused.value).startswith("1:15: parse error: unexpected character")


def test_lines_are_counted() -> None:
    """Comments and line ends belong to the text."""
    with pytest.raises(ParseError, match=r"^3:4: parse error"):
        parse("sum( # all\n  up\n) )")


def test_long_chains_are_no_problem() -> None:
    """Generated queries chain hundreds of operators."""
    query = " or ".join(f"m{number}" for number in range(3_000))
    assert to_string(parse(query)) == query


@pytest.mark.parametrize(
    "query", ["(" * 5_000, "-" * 5_000 + "1", "abs(" * 5_000, "a^" * 5_000 + "a", "up[" + "(" * 5_000]
)
def test_deep_nesting_is_refused_in_words(query: str) -> None:
    """Nobody's stack overflows."""
    with pytest.raises(ParseError, match="nested more than 128 levels deep"):
        parse(query, EVERYTHING)


def test_a_hundred_levels_are_fine() -> None:
    """Generated queries nest deeply."""
    query = "(" * 100 + "up" + ")" * 100
    assert to_string(parse(query)) == query


def test_selectors_alone() -> None:
    """match[] takes a selector and nothing else."""
    assert parse_selector('{__name__=~"a|b"}').matchers[0].operator is MatchOperator.REGEX
    assert parse_selector("sum").name == "sum"
    for wrong in ("1", "up[5m]", "sum(up)", "up offset 5m", "", "up up", "{}"):
        with pytest.raises(ParseError):
            parse_selector(wrong)
