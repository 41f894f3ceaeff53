"""YAML with its lines, scalars as written."""

import pytest

from gnomon.model.yaml_documents import YamlError, parse_yaml


def test_scalars_stay_as_they_were_written() -> None:
    """What YAML takes for numbers and booleans is up to whoever knows the field's type."""
    content = parse_yaml("a: 007\nb: yes\nc: 1e3\nd: '~'\ne: ~\nf:\ng: ''\nh: [1, null]\n").content
    assert content == {"a": "007", "b": "yes", "c": "1e3", "d": "~", "e": None, "f": None, "g": "", "h": ["1", None]}


def test_every_key_and_item_has_its_line() -> None:
    document = parse_yaml("a:\n  b: 1\n\n  c:\n  - x\n  - y: 2\n")
    assert document.line_of(("a", "b")) == 2
    assert document.line_of(("a", "c", 1)) == 6
    assert document.line_of(("a", "c", 1, "y")) == 6
    assert document.line_of(("a", "nothing", "of", "this")) == 1


def test_anchors_and_merges_are_followed() -> None:
    content = parse_yaml("x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\nz: *x\n").content
    assert content["y"] == {"a": "1", "b": "3"}
    assert content["z"] == {"a": "1", "b": "2"}


def test_an_empty_document_is_nothing() -> None:
    assert parse_yaml("# only a remark\n").content is None


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\nb: [", 2, "this is no YAML"),
        ("a: 1\nb: 2\na: 3", 3, "the key 'a' is there twice"),
        ("[a]: 1", 1, "a key must be text"),
        ("a:\n  <<: 5", 2, "merges mappings only"),
        ("a: \x00", 1, "this is no YAML"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, message: str) -> None:
    with pytest.raises(YamlError, match=message) as raised:
        parse_yaml(text)
    assert raised.value.line == line
