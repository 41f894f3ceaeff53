from pathlib import Path

import pytest

from gnomon.alerting.rule_files import RuleFileError, load_rule_files, parse_rule_file

GOOD = """
groups:
  - name: http
    interval: 30s
    query_offset: 1m
    limit: 10
    labels: {team: core, tier: "1"}
    rules:
      - record: job:http_requests:rate5m
        expr: sum by (job) (rate(http_requests_total[5m]))
      - alert: Down
        expr: up == 0
        for: 5m
        keep_firing_for: 10m
        labels: {tier: "2"}
        annotations: {summary: "{{ $labels.job }} is down"}
"""


def faults(text: str) -> list[str]:
    return parse_rule_file(text, "rules.yml")[1]


def rule(lines: str) -> str:
    indented = "\n".join(f"        {line}" for line in lines.strip().splitlines())
    return f"groups:\n  - name: g\n    rules:\n      -\n{indented}\n"


def test_groups_and_rules_are_read_whole() -> None:
    (group,), wrong = parse_rule_file(GOOD, "rules.yml")
    assert wrong == []
    assert (group.interval_ms, group.query_offset_ms, group.limit, group.key) == (30_000, 60_000, 10, "rules.yml;http")
    recording, alerting = group.rules
    assert (recording.name, recording.labels) == ("job:http_requests:rate5m", {"team": "core", "tier": "1"})
    assert (alerting.for_ms, alerting.keep_firing_for_ms) == (300_000, 600_000)
    assert alerting.labels == {"team": "core", "tier": "2"}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (rule("record: a\nalert: b\nexpr: up"), "only one of 'record' and 'alert' must be set"),
        (rule("expr: up"), "one of 'record' or 'alert' must be set"),
        (rule("record: a"), "field 'expr' must be set in rule"),
        (rule("record: a\nexpr: sum("), "could not parse expression: 1:5: parse error: unclosed left parenthesis"),
        (rule("record: a\nexpr: up\nfor: 1m"), "invalid field 'for' in recording rule"),
        (rule("record: a\nexpr: up\nannotations: {a: b}"), "invalid field 'annotations' in recording rule"),
        (rule("record: a{b=1}\nexpr: up"), "braces present in the recording rule name"),
        (rule("record: a\nexpr: up\nlabels: {__name__: x}"), "invalid label name: __name__"),
        (rule("record: a\nexpr: up\ncolour: red"), "line 7: field colour not found in type rulefmt.Rule"),
        (rule("alert: a\nexpr: up\nfor: 5 m"), 'line 7: unknown unit " m" in duration "5 m"'),
        (rule("alert: a\nexpr: up\nfor: s5"), 'line 7: not a valid duration string: "s5"'),
        (rule("alert: [1]\nexpr: up"), "line 5: cannot unmarshal !!seq into string"),
        (rule('alert: a\nexpr: up\nannotations: {s: "{{ nope }}"}'), 'function "nope" not defined'),
        ("groups:\n  - rules: []\n", "2:5: Groupname must not be empty"),
        ("groups:\n  - name: a\n  - name: a\n", '3:5: groupname: "a" is repeated in the same file'),
        ("group: []\n", "line 1: field group not found in type rulefmt.RuleGroups"),
        ("groups: [\n", "yaml: line 2: "),
    ],
)
def test_faults_are_told_in_promtools_words(text: str, fault: str) -> None:
    assert any(fault in found for found in faults(text)), faults(text)


def test_faults_name_the_place_of_the_value() -> None:
    (fault,) = faults(rule("record: a\nexpr: sum("))
    assert fault.startswith('6:15: group "g", rule 1, "a": ')


def test_all_files_of_all_patterns_are_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(GOOD)
    (tmp_path / "b.yml").write_text(GOOD.replace("http", "other"))
    groups = load_rule_files([str(tmp_path / "*.yml"), str(tmp_path / "a.yml")])
    assert [group.name for group in groups] == ["http", "other"]


def test_the_faults_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    for name in ("a.yml", "b.yml"):
        (tmp_path / name).write_text(rule("expr: up"))
    with pytest.raises(RuleFileError) as caught:
        load_rule_files([str(tmp_path / "*.yml")])
    assert len(caught.value.faults) == 2


def test_an_empty_file_has_no_groups() -> None:
    assert parse_rule_file("", "rules.yml") == ([], [])
