"""Trees become text again: one line, or laid out as promtool does."""

import pytest

from gnomon.promql.parser import EVERYTHING, parse
from gnomon.promql.printer import format_duration_ms, format_expression, format_number, to_string


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ('up{job="b",instance=~"a"}', 'up{instance=~"a",job="b"}'),
        ('{"a.b", "x.y"="z"}', '{"x.y"="z",__name__="a.b"}'),
        ("foo @ 1.2345 offset -90s", "foo @ 1.235 offset -1m30s"),
        ("foo[36h:]offset 0", "foo[1d12h:]"),
        ('sum(foo)by(a,"b.c")', 'sum by (a, "b.c") (foo)'),
        ("sum without()(foo)", "sum without () (foo)"),
        ("topk(5,foo)", "topk(5, foo)"),
        ("a==bool on()group_left b", "a == bool on () group_left () b"),
        ("a+fill(1)b", "a + fill (1) b"),
        ("a+fill_right(2)b", "a + fill_right (2) b"),
        ("-(1e3)", "-(1000)"),
        ("'a\"\\n'", r'"a\"\n"'),
        ("foo @ start() smoothed", "foo @ start() smoothed"),
        ("foo[5m]anchored @ end()", "foo[5m] anchored @ end()"),
        ("foo[(5m+step())*2]", "foo[(5m + step()) * 2]"),
        ("foo offset -min_of(step(),5)", "foo offset -min(step(), 5)"),
        ("90m", "1h30m"),
    ],
)
def test_one_line(query: str, text: str) -> None:
    """Spaces, order of matchers, durations and quotes are Prometheus'."""
    assert to_string(parse(query, EVERYTHING)) == text
    assert to_string(parse(text, EVERYTHING)) == text


def test_long_queries_are_laid_out() -> None:
    """What does not fit into a hundred characters is broken at its outermost operators and brackets."""
    query = (
        'sum by (job) (rate(http_requests_total{job="api", code=~"5.."}[5m])) / on (job) group_left (team) '
        "sum by (job) (rate(http_requests_total[5m] offset 1w)) > 0.1"
    )
    assert format_expression(parse(query)) == (
        '    sum by (job) (rate(http_requests_total{code=~"5..",job="api"}[5m]))\n'
        "  / on (job) group_left (team)\n"
        "    sum by (job) (rate(http_requests_total[5m] offset 1w))\n"
        ">\n"
        "  0.1"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e21, "1" + "0" * 21), (1e-7, "0.0000001"), (0.1, "0.1"), (-0.0, "-0"), (float("inf"), "+Inf"), (2.0, "2")],
)
def test_numbers_have_no_exponent(value: float, text: str) -> None:
    """The shortest digits that mean the same number."""
    assert format_number(value) == text


@pytest.mark.parametrize(
    ("duration_ms", "text"),
    [(0, "0s"), (1, "1ms"), (691_200_000, "8d"), (1_209_600_000, "2w"), (31_536_000_000, "1y"), (-90_000, "-1m30s")],
)
def test_durations_are_whole_weeks_and_years_or_days(duration_ms: int, text: str) -> None:
    """Eight days are no week and a day."""
    assert format_duration_ms(duration_ms) == text
