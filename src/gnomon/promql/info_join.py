"""info(): add the labels of info series to the series of the same instance and job."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from gnomon.model.labels import METRIC_NAME, Labels
from gnomon.model.matchers import Matcher
from gnomon.model.series import Floats, Mask
from gnomon.promql.binary_operators import concatenate
from gnomon.promql.errors import ExecutionError
from gnomon.promql.fetching import Fetched
from gnomon.promql.instant_samples import take_latest, take_latest_of
from gnomon.promql.merging import merge_same_labels
from gnomon.promql.planner import Selection, info_matchers
from gnomon.promql.quoting import format_labels
from gnomon.promql.syntax_tree import Call
from gnomon.promql.values import Vector, holds_histogram

_IDENTIFYING = ("instance", "job")
_NOBODY = -1


def join_info(node: Call, base: Vector, fetched: Fetched, selection: Selection) -> Vector:
    """Return the base series with the labels of the newest matching sample of each info metric at every step."""
    matchers = info_matchers(node)
    names = [matcher for matcher in matchers if matcher.name == METRIC_NAME]
    wanted: dict[str, list[Matcher]] = {}
    for matcher in matchers:
        if matcher.name != METRIC_NAME:
            wanted.setdefault(matcher.name, []).append(matcher)
    joiner = _Joiner(fetched, selection, base.steps, wanted)
    parts = []
    for row, labels in enumerate(base.labels):
        single = base.take([row])
        if all(matcher.matches(labels.metric_name) for matcher in names):
            # An info series itself.
            parts.append(single)
        else:
            parts.extend(joiner.join(labels, single))
    if not parts:
        return Vector.empty(base.steps)
    return merge_same_labels(concatenate(parts).without_empty_rows(), delayed=False)


class _Joiner:
    def __init__(self, fetched: Fetched, selection: Selection, steps: int, wanted: Mapping[str, list[Matcher]]) -> None:
        self._labels = fetched.series.labels
        self._wanted = wanted
        self._required = any(not matcher.matches("") for matchers in wanted.values() for matcher in matchers)
        self._newest: dict[tuple[str, ...], dict[str, np.ndarray[tuple[int], np.dtype[np.int64]]]] = {}
        if fetched.samples is None or not len(fetched.series):
            return
        ends_ms = selection.ends.times_ms
        _, present, histograms = take_latest(fetched.samples, ends_ms, selection.window_ms)
        if histograms is not None:
            for row in np.flatnonzero(holds_histogram(histograms).any(axis=1)).tolist():
                raise ExecutionError(
                    f"this should be an info metric, with float samples: {format_labels(self._labels[row])}"
                )
        times, _ = take_latest_of(fetched.samples, fetched.samples.times_ms, ends_ms, selection.window_ms)
        if times.shape[1] == 1 != steps:
            times = np.broadcast_to(times, (len(times), steps))
            present = np.broadcast_to(present, times.shape)
        for row in np.flatnonzero(present.any(axis=1)).tolist():
            self._add(row, times, present)

    def _add(self, row: int, times: Floats, present: Mask) -> None:
        """Note where a row has the newest sample of its metric, instance and job."""
        labels = self._labels[row]
        newest = self._newest.setdefault(_identity(labels), {})
        best = newest.setdefault(labels.metric_name, np.full(present.shape[1], _NOBODY))
        for step in np.flatnonzero(present[row]).tolist():
            other = int(best[step])
            if other == _NOBODY or times[other, step] < times[row, step]:
                best[step] = row
            elif times[other, step] == times[row, step]:
                at_ms = int(times[row, step])
                raise ExecutionError(
                    f"found duplicate series for info metric: existing {format_labels(self._labels[other])} @ {at_ms}, "
                    f"new {format_labels(labels)} @ {at_ms}"
                )

    def join(self, labels: Labels, single: Vector) -> list[Vector]:
        """Return one row for each set of labels that a base series comes to have."""
        identity = _identity(labels)
        newest = self._newest.get(identity, {}) if any(identity) else {}
        steps = single.steps
        columns = np.array(list(newest.values())) if newest else np.full((1, steps), _NOBODY)
        parts = []
        for combination in np.unique(columns, axis=1).T:
            here = (columns == combination[:, None]).all(axis=0) & single.present[0]
            if not here.any():
                continue
            rows = [row for row in combination.tolist() if row != _NOBODY]
            if not rows and self._required:
                continue
            enriched = labels.replace(self._data(labels, rows))
            parts.append(replace(single, labels=(enriched,), present=here[None, :]))
        return parts

    def _data(self, base: Labels, rows: list[int]) -> dict[str, str]:
        found: dict[str, str] = {}
        for row in rows:
            for name, value in self._labels[row]:
                if name == METRIC_NAME or (self._wanted and name not in self._wanted):
                    continue
                if found.get(name, value) != value:
                    raise ExecutionError(f"conflicting label: {name}")
                if name not in base:
                    found[name] = value
        return found


def _identity(labels: Labels) -> tuple[str, ...]:
    return tuple(labels.get(name) for name in _IDENTIFYING)
