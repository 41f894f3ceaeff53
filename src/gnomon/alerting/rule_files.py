"""Prometheus' rule files, read and checked as promtool does, in its words."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from glob import glob
from pathlib import Path
from typing import Any

import yaml

from gnomon.alerting.templates import check_template
from gnomon.model.errors import InvalidInputError
from gnomon.model.labels import METRIC_NAME
from gnomon.model.prometheus_durations import parse_prometheus_duration_ms
from gnomon.promql.errors import ParseError
from gnomon.promql.parser import ALL_STABLE, parse
from gnomon.promql.quoting import quote
from gnomon.promql.syntax_tree import Features


class RuleFileError(InvalidInputError):
    """Tell what is wrong with rule files, one line a fault."""

    def __init__(self, faults: Sequence[str]) -> None:
        """Keep all faults, each with file and place."""
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Rule:
    """A recording rule (`record` is set) or an alerting rule (`alert` is set), with the labels of its group."""

    expr: str
    record: str = ""
    alert: str = ""
    for_ms: int = 0
    keep_firing_for_ms: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the name of the series or of the alert."""
        return self.record or self.alert


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules that are evaluated one after another; `interval_ms` and `query_offset_ms` are None for the defaults."""

    name: str
    file: str
    rules: tuple[Rule, ...]
    interval_ms: int | None = None
    query_offset_ms: int | None = None
    limit: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Return what identifies the group: names may repeat in other files."""
        return f"{self.file};{self.name}"


def load_rule_files(patterns: Sequence[str], features: Features = ALL_STABLE) -> list[RuleGroup]:
    """Return the groups of all files that the patterns find, each file once; raises RuleFileError with all faults."""
    groups: list[RuleGroup] = []
    faults: list[str] = []
    for name in dict.fromkeys(name for pattern in patterns for name in sorted(glob(pattern))):  # noqa: PTH207
        try:
            text = Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            faults.append(f"{name}: {error}")
            continue
        found, wrong = parse_rule_file(text, name, features)
        groups += found
        faults += (f"{name}: {fault}" for fault in wrong)
    if faults:
        raise RuleFileError(faults)
    return groups


def parse_rule_file(text: str, file: str, features: Features = ALL_STABLE) -> tuple[list[RuleGroup], list[str]]:
    """Return a file's groups and what is wrong with them."""
    try:
        documents = yaml.compose_all(text, Loader=yaml.SafeLoader)
        root = next(documents, None)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return [], [f"yaml: line {mark.line + 1 if mark else 1}: {error.problem}"]
    except yaml.YAMLError as error:
        return [], [f"yaml: {error}"]
    if root is None:
        return [], []
    reader = _Reader()
    try:
        groups = _read_groups(reader, root)
    except _BadDurationError as error:
        return [], [str(error)]
    if reader.faults:
        return [], ["yaml: unmarshal errors:\n" + "\n".join(f"  {fault}" for fault in reader.faults)]
    faults = list(_check_groups(groups, features))
    return [_make_group(group, file) for group in groups], faults


Node = yaml.Node
_GROUP_KEYS = ("name", "interval", "query_offset", "limit", "rules", "labels")
_RULE_KEYS = ("record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations")
_UNIT = re.compile(r"(?<=\d)[^\d]+")
_UNITS = frozenset({"ms", "s", "m", "h", "d", "w", "y"})
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, slots=True)
class _RawRule:
    values: Mapping[str, Any]
    places: Mapping[str, str]

    def place(self, key: str) -> str:
        """Return `line:column` of a key's value."""
        return self.places.get(key, "0:0")


@dataclass(frozen=True, slots=True)
class _RawGroup:
    place: str
    values: Mapping[str, Any]
    rules: tuple[_RawRule, ...]


class _BadDurationError(InvalidInputError):
    pass


def _describe_duration(text: str) -> str:
    unit = next((found for found in _UNIT.findall(text) if found not in _UNITS), None)
    if not text:
        return "empty duration string"
    if not text[0].isdigit() or unit is None:
        return f"not a valid duration string: {quote(text)}"
    return f"unknown unit {quote(unit)} in duration {quote(text)}"


class _Reader:
    """Turn YAML nodes into values; what does not fit is noted, and left out."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def fields(self, node: Node, kind: str, known: Sequence[str]) -> dict[str, Node]:
        """Return a mapping's nodes; keys that nobody knows are faults."""
        if not isinstance(node, yaml.MappingNode):
            self._cannot(node, f"rulefmt.{kind}")
            return {}
        found: dict[str, Node] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in found:
                before = found[name].start_mark.line + 1
                self.faults.append(f'line {line}: mapping key "{name}" already defined at line {before}')
            elif name not in known:
                self.faults.append(f"line {line}: field {name} not found in type rulefmt.{kind}")
            else:
                found[name] = value
        return found

    def items(self, fields: Mapping[str, Node], key: str) -> list[Node]:
        """Return the nodes of a list."""
        node = fields.get(key)
        if node is None or _is_null(node):
            return []
        if not isinstance(node, yaml.SequenceNode):
            self._cannot(node, f"[]rulefmt.{'RuleGroup' if key == 'groups' else 'Rule'}")
            return []
        return list(node.value)

    def text(self, node: Node) -> str:
        """Return a scalar as written."""
        if isinstance(node, yaml.ScalarNode):
            return "" if _is_null(node) else str(node.value)
        self._cannot(node, "string")
        return ""

    def duration(self, node: Node) -> int:
        """Return milliseconds."""
        text = self.text(node)
        try:
            return parse_prometheus_duration_ms(text)
        except InvalidInputError as error:
            place = f"line {node.start_mark.line + 1}"
            raise _BadDurationError(f"{place}: {_describe_duration(text)}") from error

    def number(self, node: Node) -> int:
        """Return a whole number."""
        try:
            return int(self.text(node))
        except ValueError:
            self._cannot(node, "int")
            return 0

    def mapping(self, node: Node) -> dict[str, str]:
        """Return texts by name."""
        if _is_null(node):
            return {}
        if not isinstance(node, yaml.MappingNode):
            self._cannot(node, "map[string]string")
            return {}
        return {str(key.value): self.text(value) for key, value in node.value}

    def _cannot(self, node: Node, kind: str) -> None:
        short = {"MappingNode": "!!map", "SequenceNode": "!!seq"}.get(type(node).__name__)
        shown = short or f"{'!!' + node.tag.rpartition(':')[2]} `{node.value}`"
        self.faults.append(f"line {node.start_mark.line + 1}: cannot unmarshal {shown} into {kind}")


def _is_null(node: Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.style is None and node.value in _NULLS


def _place(node: Node) -> str:
    return f"{node.start_mark.line + 1}:{node.start_mark.column + 1}"


def _read_groups(reader: _Reader, root: Node) -> list[_RawGroup]:
    fields = reader.fields(root, "RuleGroups", ("groups",))
    return [_read_group(reader, node) for node in reader.items(fields, "groups")]


def _read_group(reader: _Reader, node: Node) -> _RawGroup:
    fields = reader.fields(node, "RuleGroup", _GROUP_KEYS)
    rules = tuple(_read_rule(reader, rule) for rule in reader.items(fields, "rules"))
    readers: dict[str, Callable[[Node], Any]] = {
        "name": reader.text,
        "interval": reader.duration,
        "query_offset": reader.duration,
        "limit": reader.number,
        "labels": reader.mapping,
    }
    values = {key: read(fields[key]) for key, read in readers.items() if key in fields and not _is_null(fields[key])}
    return _RawGroup(_place(node), values, rules)


def _read_rule(reader: _Reader, node: Node) -> _RawRule:
    fields = reader.fields(node, "Rule", _RULE_KEYS)
    readers: dict[str, Callable[[Node], Any]] = {
        "for": reader.duration,
        "keep_firing_for": reader.duration,
        "labels": reader.mapping,
        "annotations": reader.mapping,
    }
    values = {key: readers.get(key, reader.text)(value) for key, value in fields.items() if not _is_null(value)}
    return _RawRule(values, {key: _place(value) for key, value in fields.items()})


def _check_groups(groups: Sequence[_RawGroup], features: Features) -> Iterator[str]:
    names: set[str] = set()
    for group in groups:
        name = group.values.get("name", "")
        if not name:
            yield f"{group.place}: Groupname must not be empty"
        if name in names:
            yield f'{group.place}: groupname: "{name}" is repeated in the same file'
        names.add(name)
        yield from (f"invalid label name: {label}" for label in group.values.get("labels", {}) if not _is_label(label))
        for number, rule in enumerate(group.rules, 1):
            rule_name = rule.values.get("alert") or rule.values.get("record") or ""
            for place, fault in _check_rule(rule, features):
                yield f'{place}group "{name}", rule {number}, "{rule_name}": {fault}'


def _check_rule(rule: _RawRule, features: Features) -> Iterator[tuple[str, str]]:
    """Yield where a fault is, and what it is."""
    record, alert, expr = (rule.values.get(key, "") for key in ("record", "alert", "expr"))
    if bool(record) == bool(alert):
        kinds = "only one of 'record' and 'alert'" if record else "one of 'record' or 'alert'"
        yield f"{rule.place('record')}: {rule.place('alert')}: ", f"{kinds} must be set"
    if not expr:
        yield f"{rule.place('expr')}: ", "field 'expr' must be set in rule"
    else:
        try:
            parse(expr, features)
        except ParseError as error:
            yield f"{rule.place('expr')}: ", f"could not parse expression: {error}"
    if record:
        yield from ((f"{rule.place('record')}: ", fault) for fault in _check_recording_rule(rule, record))
    yield from (("", f"invalid label name: {name}") for name in rule.values.get("labels", {}) if not _is_label(name))
    yield from (("", f"invalid annotation name: {name}") for name in rule.values.get("annotations", {}) if not name)
    if alert:
        yield from (("", fault) for fault in _check_templates(rule, alert))


def _check_templates(rule: _RawRule, alert: str) -> Iterator[str]:
    for kind in ("label", "annotation"):
        for name, text in rule.values.get(f"{kind}s", {}).items():
            if fault := check_template(alert, text):
                yield f'{kind} "{name}": {fault}'


def _check_recording_rule(rule: _RawRule, record: str) -> Iterator[str]:
    for key in ("annotations", "for", "keep_firing_for"):
        if rule.values.get(key):
            yield f"invalid field '{key}' in recording rule"
    if "{" in record or "}" in record:
        yield f"braces present in the recording rule name; should it be in expr?: {record}"


def _is_label(name: str) -> bool:
    return bool(name) and name != METRIC_NAME


def _make_group(group: _RawGroup, file: str) -> RuleGroup:
    labels = group.values.get("labels", {})
    return RuleGroup(
        name=group.values.get("name", ""),
        file=file,
        rules=tuple(
            Rule(
                expr=rule.values.get("expr", ""),
                record=rule.values.get("record", ""),
                alert=rule.values.get("alert", ""),
                for_ms=rule.values.get("for", 0),
                keep_firing_for_ms=rule.values.get("keep_firing_for", 0),
                labels={**labels, **rule.values.get("labels", {})},
                annotations=rule.values.get("annotations", {}),
            )
            for rule in group.rules
        ),
        interval_ms=group.values.get("interval") or None,
        query_offset_ms=group.values.get("query_offset"),
        limit=group.values.get("limit", 0),
        labels=labels,
    )
