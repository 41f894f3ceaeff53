"""Relabeling rules."""

import pytest

from gnomon.ingest.scraping.relabel import RelabelRule, relabel

LABELS = {"a": "foo", "b": "bar", "c": "baz", "__meta_zone": "eu-west-1", "Mixed": "AbC"}


def apply(*rules: dict[str, object], labels: dict[str, str] | None = None) -> dict[str, str] | None:
    changed = dict(LABELS if labels is None else labels)
    kept = relabel([RelabelRule.model_validate(rule) for rule in rules], changed)
    return changed if kept else None


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        (
            {"source_labels": ["a"], "target_label": "d", "regex": "f(.*)", "replacement": "ch${1}-ch${1}"},
            {"d": "choo-choo"},
        ),
        ({"source_labels": ["a", "b"], "target_label": "d"}, {"d": "foo;bar"}),
        (
            {
                "source_labels": ["a", "b"],
                "separator": "",
                "target_label": "d",
                "regex": "(foo)(?P<rest>.*)",
                "replacement": "$rest/$1",
            },
            {"d": "bar/foo"},
        ),
        ({"source_labels": ["a"], "target_label": "d", "regex": "o"}, {}),
        ({"source_labels": ["a"], "target_label": "d", "regex": "(f).*", "replacement": "$1x"}, {"d": ""}),
        (
            {"source_labels": ["a"], "target_label": "d", "regex": "(f).*", "replacement": "$$1 costs $"},
            {"d": "$1 costs $"},
        ),
        ({"source_labels": ["a"], "target_label": "a", "replacement": ""}, {"a": ""}),
        ({"source_labels": ["none"], "target_label": "d", "replacement": "x"}, {"d": "x"}),
        ({"source_labels": ["a"], "target_label": "x_${1}", "regex": "(.).*", "replacement": "y"}, {"x_f": "y"}),
        ({"source_labels": ["Mixed"], "target_label": "d", "action": "lowercase"}, {"d": "abc"}),
        ({"source_labels": ["Mixed"], "target_label": "d", "action": "UPPERCASE"}, {"d": "ABC"}),
        ({"source_labels": ["c"], "target_label": "d", "action": "hashmod", "modulus": "1000"}, {"d": "976"}),
        ({"action": "labelmap", "regex": "__meta_(.*)"}, {"zone": "eu-west-1"}),
        ({"action": "labelmap", "regex": "(a|b)", "replacement": "my_${1}"}, {"my_a": "foo", "my_b": "bar"}),
        ({"action": "labeldrop", "regex": "a|b|none"}, {"a": "", "b": ""}),
        ({"action": "labelkeep", "regex": "a|Mixed"}, {"b": "", "c": "", "__meta_zone": ""}),
        ({"action": "keep", "source_labels": ["a"], "regex": "fo+"}, {}),
        ({"action": "drop", "source_labels": ["a"], "regex": "o"}, {}),
    ],
)
def test_a_rule_changes_just_these_labels(rule: dict[str, object], changes: dict[str, str]) -> None:
    expected = {name: value for name, value in (LABELS | changes).items() if value}
    assert apply(rule) == expected


@pytest.mark.parametrize(
    "rule",
    [
        {"action": "keep", "source_labels": ["a"], "regex": "o"},
        {"action": "drop", "source_labels": ["a", "b"], "regex": "foo;bar"},
        {"action": "keepequal", "source_labels": ["a"], "target_label": "b"},
        {"action": "dropequal", "source_labels": ["a"], "target_label": "a"},
        {"action": "keep", "source_labels": ["none"], "regex": ".+"},
    ],
)
def test_a_rule_drops(rule: dict[str, object]) -> None:
    assert apply(rule) is None


def test_rules_see_what_those_before_have_done_and_stop_at_a_drop() -> None:
    labels = apply(
        {"source_labels": ["a"], "target_label": "d", "replacement": "${1}2"},
        {"source_labels": ["d"], "regex": "foo2", "action": "keep"},
        {"source_labels": ["d"], "target_label": "e"},
    )
    assert labels is not None
    assert labels["e"] == "foo2"


def test_a_dot_matches_a_line_break() -> None:
    assert apply({"source_labels": ["x"], "regex": "a.b", "action": "keep"}, labels={"x": "a\nb"}) == {"x": "a\nb"}
