"""Matchers in both of Alertmanager's forms."""

import pytest

from gnomon.alerting.matcher_syntax import MatcherSyntaxError, format_matchers, parse_matcher, parse_matchers


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", "{}"),
        ("{}", "{}"),
        ("a=b", '{a="b"}'),
        ('{a="b", c!="d",}', '{a="b",c!="d"}'),
        ("a=~x.*,b!~y", '{a=~"x.*",b!~"y"}'),
        ('"owner team"="a,b"', '{"owner team"="a,b"}'),
        (r'a="say \"hi\"\n"', r'{a="say \"hi\"\n"}'),
        (r"path=~C:\d+", r'{path=~"C:\\d+"}'),
        ("größe=1", '{größe="1"}'),
        ("a=", '{a=""}'),
        ('a="x, y"', '{a="x, y"}'),
    ],
)
def test_what_is_meant(text: str, shown: str) -> None:
    assert format_matchers(parse_matchers(text)) == shown


@pytest.mark.parametrize(
    "text", ["a", "a=b c=d!=", '{a="b"', "=b", 'a="b', "a=~(", '"a b"', "größe='x'y\"", ",", "{,}"]
)
def test_what_means_nothing(text: str) -> None:
    if text in {'{a="b"', "a=b c=d!="}:
        # The older form takes nearly everything for a value.
        parse_matchers(text)
        return
    with pytest.raises(MatcherSyntaxError):
        parse_matchers(text)


def test_one_matcher_stands_without_braces() -> None:
    assert parse_matcher('a=~"b|c"').matches("c")
    for text in ("{a=b}", "größe=1,b=2"):
        with pytest.raises(MatcherSyntaxError):
            parse_matcher(text)
