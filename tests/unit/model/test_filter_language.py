"""The search language: what people write, what it means, and what is said when it cannot be read."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gnomon.model.errors import InvalidInputError
from gnomon.model.filter_language import format_filter, parse_filter, refine_filter
from gnomon.model.filters import EVERYTHING, And, Comparison, Filter, Not, Operator, Or, Text

EQUAL, EXISTS = Operator.EQUAL, Operator.EXISTS


def equal(field: str, value: str) -> Comparison:
    return Comparison(field, EQUAL, value)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", EVERYTHING),
        ("  \n", EVERYTHING),
        ("*", EVERYTHING),
        ("timeout", Text("timeout")),
        ('"connection reset"', Text("connection reset")),
        ("'connection reset'", Text("connection reset")),
        ("can't", Text("can't")),
        ("foo - bar", And((Text("foo"), Text("-"), Text("bar")))),
        ("get_user() failed", And((Text("get_user()"), Text("failed")))),
        ("12:30:45", Text("12:30:45")),
        ("https://example.org/a?b=c", Text("https://example.org/a?b=c")),
        ("service:gateway", equal("service", "gateway")),
        ("service = gateway", equal("service", "gateway")),
        ("service == 'my gateway'", equal("service", "my gateway")),
        ("http.request.header.x-id:7", equal("http.request.header.x-id", "7")),
        ("k8s/pod:a-b", equal("k8s/pod", "a-b")),
        ('"a key":"a value"', equal("a key", "a value")),
        ("url:http://x/y?a=b", equal("url", "http://x/y?a=b")),
        ('name:""', equal("name", "")),
        (r'name:"a \"b\" \\ c\n"', equal("name", 'a "b" \\ c\n')),
        (r'path=~"\d+"', Comparison("path", Operator.MATCH, r"\d+")),
        (r"path=~/api/(a|b)/\d+", Comparison("path", Operator.MATCH, r"/api/(a|b)/\d+")),
        ("level>=warn", Comparison("level", Operator.GREATER_OR_EQUAL, "warn")),
        ("duration:>1s", Comparison("duration", Operator.GREATER, "1s")),
        ("duration <= 1.5s", Comparison("duration", Operator.LESS_OR_EQUAL, "1.5s")),
        ("x > -5", Comparison("x", Operator.GREATER, "-5")),
        ("x<>5", Comparison("x", Operator.NOT_EQUAL, "5")),
        ("x!~5", Comparison("x", Operator.NOT_MATCH, "5")),
        ("x~5", Comparison("x", Operator.CONTAINS, "5")),
        ("x:~5", Comparison("x", Operator.CONTAINS, "5")),
        ("user.id:*", Comparison("user.id", EXISTS)),
        ("has:user.id", Comparison("user.id", EXISTS)),
        ("user.id!=*", Not(Comparison("user.id", EXISTS))),
        ('"has":x', equal("has", "x")),
        ("name:ab*", Comparison("name", Operator.MATCH, "(?s)^ab")),
        ("name:*b", Comparison("name", Operator.MATCH, "(?s)b$")),
        ("name:a*b", Comparison("name", Operator.MATCH, "(?s)^a.*b$")),
        ("name:*b*", Comparison("name", Operator.CONTAINS, "b")),
        ('name:"ab*"', equal("name", "ab*")),
        ("*reset*", Comparison("body", Operator.CONTAINS, "reset")),
        ("re*", Comparison("body", Operator.MATCH, r"(?i)\bre")),
        ("-healthcheck", Not(Text("healthcheck"))),
        ("!healthcheck", Not(Text("healthcheck"))),
        ("not NOT x", Not(Not(Text("x")))),
        ("a b", And((Text("a"), Text("b")))),
        ("a and b AND c && d", And((Text("a"), Text("b"), Text("c"), Text("d")))),
        ("a or b || c", Or((Text("a"), Text("b"), Text("c")))),
        ("a b or c d", Or((And((Text("a"), Text("b"))), And((Text("c"), Text("d")))))),
        ("a (b or c)", And((Text("a"), Or((Text("b"), Text("c")))))),
        ("not(a or b)", Not(Or((Text("a"), Text("b"))))),
        ("android order notes", And((Text("android"), Text("order"), Text("notes")))),
        ("service:(a or b)", Or((equal("service", "a"), equal("service", "b")))),
        ("service:(a, b)", Or((equal("service", "a"), equal("service", "b")))),
        ("service:(a or (b, c))", Or((equal("service", "a"), equal("service", "b"), equal("service", "c")))),
        ("has:(a or b)", Or((Comparison("a", EXISTS), Comparison("b", EXISTS)))),
        (
            "service!=(a, b)",
            And((Comparison("service", Operator.NOT_EQUAL, "a"), Comparison("service", Operator.NOT_EQUAL, "b"))),
        ),
    ],
)
def test_means_what_people_expect(text: str, tree: Filter) -> None:
    assert parse_filter(text) == tree


def test_reads_what_the_documentation_opens_with() -> None:
    text = 'service:gateway level>=warn "connection reset" -healthcheck http.status_code>=500 trace_id:4bf92f35'
    tree = parse_filter(text)
    assert tree == And(
        (
            equal("service", "gateway"),
            Comparison("level", Operator.GREATER_OR_EQUAL, "warn"),
            Text("connection reset"),
            Not(Text("healthcheck")),
            Comparison("http.status_code", Operator.GREATER_OR_EQUAL, "500"),
            equal("trace_id", "4bf92f35"),
        )
    )
    assert format_filter(tree) == text


def test_conditions_know_where_they_stand() -> None:
    tree = parse_filter("a  level>=warn (x or  y)")
    assert isinstance(tree, And)
    level, either = tree.operands[1:]
    assert isinstance(level, Comparison)
    assert level.position == 3
    assert isinstance(either, Or)
    assert [operand.position for operand in either.operands if isinstance(operand, Text)] == [16, 22]


@pytest.mark.parametrize(
    ("text", "position", "hint"),
    [
        ('a "b', 2, "never closed"),
        ("it 'is", 3, "apostrophe"),
        ("a (b", 2, "never closed"),
        ("a) b", 1, "closes nothing"),
        ("a ()", 2, "nothing between"),
        ("service:", 8, "value is missing"),
        ("(service:)", 9, "value is missing"),
        ("service:(a,)", 11, "value is missing"),
        ("a :b", 5, ""),
        (">5", 0, "field is missing"),
        ("a or", 4, "ends too early"),
        ("or a", 0, "missing before 'or'"),
        ("a and and b", 6, "missing before 'and'"),
        ('"":x', 0, "no name"),
        ("a not", 5, "ends too early"),
        ("(a or )", 6, "missing before this )"),
        ("a\ud800", 1, "no text"),
    ],
)
def test_errors_point_at_the_character(text: str, position: int, hint: str) -> None:
    if text == "a :b":
        assert parse_filter(text) == equal("a", "b")
        return
    with pytest.raises(InvalidInputError, match=hint.replace(")", r"\)")) as caught:
        parse_filter(text)
    assert caught.value.position == position


def test_deep_nesting_is_refused() -> None:
    for text in ("(" * 5000 + "a" + ")" * 5000, "-" * 5000 + "a", "not " * 4000 + "a", "a:" + "(" * 5000):
        with pytest.raises(InvalidInputError):
            parse_filter(text)


def test_a_very_long_query_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="longer than"):
        parse_filter("a " * 10_000)


PIECES = st.sampled_from(
    [" ", "  ", "a", "level", ":", "=", "==", "!=", "=~", "!~", "~", ">", ">=", "<", "(", ")", '"', "'", "\\", "*",
     "-", "!",
     "and", "or", "not", "AND", "&&", "||", ",", "has:", "warn", "5", "http://", "é", "\n", "x.y-z", "\0", "\u2028"]
)  # fmt: skip


@settings(max_examples=1000, deadline=None)
@given(st.one_of(st.lists(PIECES, max_size=14).map("".join), st.text(max_size=40)))
@example("a:(")
@example("-(")
def test_any_input_is_read_or_refused_with_a_position(text: str) -> None:
    try:
        tree = parse_filter(text)
    except InvalidInputError as error:
        refusal = error
    else:
        assert parse_filter(format_filter(tree)) == tree
        return
    assert refusal.position is not None
    assert 0 <= refusal.position <= len(text)
    assert str(refusal).endswith(".")


NAMES = st.one_of(
    st.sampled_from(["service", "a.b-c", "and", "has", "12", "a key", "x:y", "é"]), st.text(min_size=1, max_size=6)
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
LEAVES = st.one_of(
    st.builds(Text, TEXTS),
    st.builds(
        Comparison,
        NAMES.filter(lambda name: "\0" not in name and name.isprintable()),
        st.sampled_from([operator for operator in Operator if operator is not EXISTS]),
        TEXTS,
    ),
    st.builds(Comparison, NAMES.filter(lambda name: "\0" not in name and name.isprintable()), st.just(EXISTS)),
)


def _flat(kind: type[And] | type[Or], operands: list[Filter]) -> Filter:
    flat = [inner for operand in operands for inner in (operand.operands if isinstance(operand, kind) else (operand,))]
    return kind(tuple(flat))


TREES: st.SearchStrategy[Filter] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.lists(inner, min_size=2, max_size=4).map(lambda operands: _flat(And, operands)),
        st.lists(inner, min_size=2, max_size=4).map(lambda operands: _flat(Or, operands)),
    ),
    max_leaves=12,
)


@settings(max_examples=1000, deadline=None)
@given(TREES)
def test_a_written_filter_is_read_back_the_same(tree: Filter) -> None:
    assert parse_filter(format_filter(tree)) == tree


@pytest.mark.parametrize(
    ("text", "condition", "refined"),
    [
        ("", equal("service", "a"), "service:a"),
        ("error  timeout", equal("service", "a b"), 'error  timeout service:"a b"'),
        ("a or b", equal("service", "x"), "(a or b) service:x"),
        ("a service:x", equal("service", "x"), "a service:x"),
        ("a service!=x", equal("service", "x"), "a service:x"),
        ("a -service:x", equal("service", "x"), "a service:x"),
        ("service:x", Comparison("service", Operator.NOT_EQUAL, "x"), "service!=x"),
        ("a service:x", Comparison("service", Operator.NOT_EQUAL, "x"), "a service!=x"),
    ],
)
def test_a_condition_replaces_its_opposite(text: str, condition: Comparison, refined: str) -> None:
    assert refine_filter(text, condition) == refined
