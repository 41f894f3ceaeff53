"""Label sets derived from others, remembered, since the same series come again with every refresh."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gnomon.model.labels import METRIC_NAME, Labels
from gnomon.model.series import Integers

METADATA_LABELS = frozenset({METRIC_NAME, "__type__", "__unit__"})
_REMEMBERED_LABELS = 200_000
_REMEMBERED_VECTORS = 256
_REMEMBERED_RULES = 256

Rule = Callable[[Labels], Labels]


@dataclass(frozen=True, slots=True)
class Groups:
    """`codes` gives each row its group; `labels` are the groups', in order of first appearance."""

    codes: Integers
    labels: tuple[Labels, ...]


class LabelRules:
    """Apply rules to the labels of whole vectors; every answer is kept for as long as there is room.

    Used from several threads at once: each step is one operation on a dictionary, and losing an entry costs only time.
    """

    def __init__(self) -> None:
        """Start with nothing remembered."""
        self._by_rule: dict[Hashable, dict[Labels, Labels]] = {}
        self._vectors: OrderedDict[tuple[int, Hashable], tuple[object, tuple[Labels, ...]]] = OrderedDict()
        self._names: OrderedDict[int, tuple[object, frozenset[tuple[str, str]]]] = OrderedDict()
        self._groups: OrderedDict[tuple[int, Hashable], tuple[object, Groups]] = OrderedDict()

    def without_name(self, labels: tuple[Labels, ...]) -> tuple[Labels, ...]:
        """Return labels without the metric's name, type and unit."""
        return self._apply(labels, "name", lambda one: one.drop(METADATA_LABELS))

    def names(self, labels: tuple[Labels, ...]) -> frozenset[tuple[str, str]]:
        """Return the names and types of all metrics among the series."""
        found = self._names.get(id(labels))
        if found is not None and found[0] is labels:
            return found[1]
        names = frozenset((one.metric_name, one.get("__type__")) for one in labels)
        self._names[id(labels)] = (labels, names)
        _trim(self._names)
        return names

    def group(self, labels: tuple[Labels, ...], names: tuple[str, ...], *, without: bool) -> Groups:
        """Group by some labels, or by all but some (and the metric's name, type and unit)."""
        if without:
            dropped = METADATA_LABELS.union(names)
            return self._grouped(labels, ("without", names), lambda one: one.drop(dropped))
        kept = frozenset(names)
        return self._grouped(labels, ("by", names), lambda one: one.keep(kept))

    def match(self, labels: tuple[Labels, ...], names: tuple[str, ...], *, on: bool) -> Groups:
        """Group by what the rows of two vectors find each other by."""
        if on:
            kept = frozenset(names)
            return self._grouped(labels, ("by", names), lambda one: one.keep(kept))
        dropped = frozenset({METRIC_NAME, *names})
        return self._grouped(labels, ("ignoring", names), lambda one: one.drop(dropped))

    def restrict(self, labels: tuple[Labels, ...], names: tuple[str, ...], *, on: bool) -> tuple[Labels, ...]:
        """Return only the labels of some names, or all but them."""
        chosen = frozenset(names)
        if on:
            return self._apply(labels, ("by", names), lambda one: one.keep(chosen))
        return self._apply(labels, ("but", names), lambda one: one.drop(chosen)) if names else labels

    def _apply(self, labels: tuple[Labels, ...], key: Hashable, rule: Rule) -> tuple[Labels, ...]:
        place = (id(labels), key)
        found = self._vectors.get(place)
        if found is not None and found[0] is labels:
            return found[1]
        memory = self._memory(key)
        result = []
        for one in labels:
            derived = memory.get(one)
            if derived is None:
                derived = rule(one)
                derived = memory.setdefault(derived, derived) if derived == one else derived
                memory[one] = derived
            result.append(derived)
        answer = tuple(result)
        self._vectors[place] = (labels, answer)
        _trim(self._vectors)
        return answer

    def _grouped(self, labels: tuple[Labels, ...], key: Hashable, rule: Rule) -> Groups:
        place = (id(labels), key)
        found = self._groups.get(place)
        if found is not None and found[0] is labels:
            return found[1]
        derived = self._apply(labels, key, rule)
        numbers: dict[Labels, int] = {}
        codes = np.fromiter(
            (numbers.setdefault(one, len(numbers)) for one in derived), dtype=np.int64, count=len(derived)
        )
        answer = Groups(codes, tuple(numbers))
        self._groups[place] = (labels, answer)
        _trim(self._groups)
        return answer

    def _memory(self, key: Hashable) -> dict[Labels, Labels]:
        if len(self._by_rule) > _REMEMBERED_RULES:
            self._by_rule.clear()
        memory = self._by_rule.setdefault(key, {})
        if len(memory) > _REMEMBERED_LABELS:
            memory.clear()
        return memory


def _trim(memory: OrderedDict[Any, Any]) -> None:
    while len(memory) > _REMEMBERED_VECTORS:
        memory.popitem(last=False)
