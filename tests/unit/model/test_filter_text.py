"""Completion: what is being typed at an offset."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.model.filter_text import Completion, CompletionKind, complete_at

FIELD, OPERATOR, VALUE = CompletionKind.FIELD, CompletionKind.OPERATOR, CompletionKind.VALUE


@pytest.mark.parametrize(
    ("text", "kind", "field", "prefix", "replaced"),
    [
        ("|", FIELD, "", "", ""),
        ("serv|", FIELD, "", "serv", "serv"),
        ("se|rv", FIELD, "", "se", "serv"),
        ("a -serv|", FIELD, "", "serv", "serv"),
        ("(serv|", FIELD, "", "serv", "serv"),
        ("a and |", FIELD, "", "", ""),
        ("a:b |", FIELD, "", "", ""),
        ("has:ht|", FIELD, "", "ht", "ht"),
        ("service |", OPERATOR, "service", "", ""),
        ("service:|", VALUE, "service", "", ""),
        ("service = |", VALUE, "service", "", ""),
        ("x a.b>=4|", VALUE, "a.b", "4", "4"),
        ("service:ga|te and b", VALUE, "service", "ga", "gate"),
        ('service:"my ga|', VALUE, "service", "my ga", '"my ga'),
        ("service:(a or b|", VALUE, "service", "b", "b"),
        ("service:(a, |", VALUE, "service", "", ""),
        ("service:(a) b|", FIELD, "", "b", "b"),
        ("service:(a or b|) x", VALUE, "service", "b", "b"),
    ],
)
def test_tells_what_stands_at_the_cursor(
    text: str, kind: CompletionKind, field: str, prefix: str, replaced: str
) -> None:
    offset = text.index("|")
    text = text.replace("|", "")
    found = complete_at(text, offset)
    assert (found.kind, found.field, found.prefix, text[found.start : found.end]) == (kind, field, prefix, replaced)


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet="ab :=!<>~()\"',*-\\.", max_size=30), st.integers(-3, 40))
def test_any_text_has_something_at_any_offset(text: str, offset: int) -> None:
    found = complete_at(text, offset)
    assert isinstance(found, Completion)
    assert 0 <= found.start <= found.end <= len(text)
