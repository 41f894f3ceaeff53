"""Relabeling: rules that change, keep and drop targets and samples by their labels, as in Prometheus."""

import hashlib
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal

import re2
from pydantic import BeforeValidator, model_validator

from gnomon.ingest.scraping.file_sections import Count, Section

Action = Literal[
    "replace",
    "keep",
    "drop",
    "keepequal",
    "dropequal",
    "hashmod",
    "labelmap",
    "labeldrop",
    "labelkeep",
    "lowercase",
    "uppercase",
]
Groups = Sequence[str | None]

_ANYTHING = "(.*)"
_WHOLE_MATCH = "$1"
_REFERENCE = re.compile(r"\$(?:(\$)|\{(\w+)\}|(\w+))")
_LEGACY_NAME = re.compile(r"[a-zA-Z_]\w*", re.ASCII)
_NEED_TARGET = frozenset({"replace", "hashmod", "lowercase", "uppercase", "keepequal", "dropequal"})
_NEED_NO_REPLACEMENT = frozenset({"lowercase", "uppercase", "keepequal", "dropequal"})
_ONLY = {
    "keepequal": frozenset({"action", "source_labels", "target_label"}),
    "dropequal": frozenset({"action", "source_labels", "target_label"}),
    "labeldrop": frozenset({"action", "regex"}),
    "labelkeep": frozenset({"action", "regex"}),
}


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


class RelabelRule(Section):
    """One rule, as it stands under `relabel_configs` and `metric_relabel_configs`."""

    source_labels: tuple[str, ...] = ()
    separator: str = ";"
    regex: str = _ANYTHING
    modulus: Count = 0
    target_label: str = ""
    replacement: str = _WHOLE_MATCH
    action: Annotated[Action, BeforeValidator(_lower)] = "replace"

    @model_validator(mode="after")
    def _check(self) -> "RelabelRule":
        action = self.action
        if action == "hashmod" and not self.modulus:
            raise ValueError("relabel configuration for hashmod requires non-zero modulus")
        if action in _NEED_TARGET and not self.target_label:
            raise ValueError(f"relabel configuration for {action} action requires 'target_label' value")
        if action in _NEED_NO_REPLACEMENT and self.replacement != _WHOLE_MATCH:
            raise ValueError(f"'replacement' can not be set for {action} action")
        allowed = _ONLY.get(action)
        if allowed is not None and not self.model_fields_set <= allowed:
            fields = ", ".join(sorted(allowed - {"action"}))
            raise ValueError(f"{action} action requires only {fields}, and no other fields")
        try:
            _compile(self.regex)
        except re2.error as error:
            raise ValueError(f"the regex {self.regex!r} is no RE2 expression: {error}") from error
        return self


def relabel(rules: Sequence[RelabelRule], labels: dict[str, str], *, utf8_names: bool = True) -> bool:
    """Apply rules to labels in place and return whether to keep what bears them; labels without value are none."""
    return all(_apply(rule, labels, utf8_names=utf8_names) for rule in rules)


def is_label_name(name: str, *, utf8_names: bool = True) -> bool:
    """Tell whether a label may have this name: any text, or letters, digits and underscores only."""
    return bool(name) if utf8_names else _LEGACY_NAME.fullmatch(name) is not None


def _apply(rule: RelabelRule, labels: dict[str, str], *, utf8_names: bool) -> bool:
    value = rule.separator.join([labels.get(name, "") for name in rule.source_labels])
    match rule.action:
        case "keep" | "drop":
            return (_match(rule, value) is not None) == (rule.action == "keep")
        case "keepequal" | "dropequal":
            return (labels.get(rule.target_label, "") == value) == (rule.action == "keepequal")
        case "replace":
            _replace(rule, value, labels, utf8_names=utf8_names)
        case "labelmap":
            _copy_by_name(rule, labels)
        case "labeldrop" | "labelkeep":
            for name in list(labels):
                if (_match(rule, name) is not None) == (rule.action == "labeldrop"):
                    del labels[name]
        case _:
            _set(labels, rule.target_label, _COMPUTED[rule.action](value, rule.modulus))
    return True


def _hash(value: str, modulus: int) -> str:
    digest = hashlib.md5(value.encode(), usedforsecurity=False).digest()
    return str(int.from_bytes(digest[8:], "big") % modulus)


_COMPUTED: dict[str, Callable[[str, int], str]] = {
    "lowercase": lambda value, _modulus: value.lower(),
    "uppercase": lambda value, _modulus: value.upper(),
    "hashmod": _hash,
}


def _copy_by_name(rule: RelabelRule, labels: dict[str, str]) -> None:
    for name, held in sorted(labels.items()):
        groups = _match(rule, name)
        if groups is not None:
            _set(labels, _expand(rule, rule.replacement, groups), held)


def _replace(rule: RelabelRule, value: str, labels: dict[str, str], *, utf8_names: bool) -> None:
    groups = _match(rule, value)
    if groups is None:
        return
    target = _expand(rule, rule.target_label, groups)
    if is_label_name(target, utf8_names=utf8_names):
        _set(labels, target, _expand(rule, rule.replacement, groups))


def _set(labels: dict[str, str], name: str, value: str) -> None:
    if value:
        labels[name] = value
    else:
        labels.pop(name, None)


def _match(rule: RelabelRule, text: str) -> Groups | None:
    """Return the text of all groups, the whole match first, or None where the text does not match."""
    if rule.regex == _ANYTHING:
        return (text, text)
    found = _compile(rule.regex).match(text)
    return None if found is None else (found.group(0), *found.groups())


def _expand(rule: RelabelRule, template: str, groups: Groups) -> str:
    """Fill `$1`, `${1}` and `${name}` in as Go does: a name is as long as it can be, an unknown one is empty."""
    if "$" not in template:
        return template

    def fill(reference: re.Match[str]) -> str:
        name = reference[2] or reference[3]
        if reference[1]:
            return "$"
        named = None if name.isdecimal() else _compile(rule.regex).groupindex
        number = int(name) if named is None else named.get(name, len(groups))
        return (groups[number] or "") if number < len(groups) else ""

    return _REFERENCE.sub(fill, template)


@lru_cache(maxsize=1024)
def _compile(regex: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    return re2.compile(f"^(?s:{regex})$", options=options)
