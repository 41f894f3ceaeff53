"""The newest sample of series as text, for another Prometheus to scrape: `/federate`."""

import re
from collections.abc import Iterator

import numpy as np

from gnomon.metrics.queries import MatcherSets
from gnomon.model.float_text import format_general
from gnomon.model.labels import METRIC_NAME, Labels
from gnomon.model.series import Samples, SeriesSet, is_stale
from gnomon.promql.source import SeriesSource

_PLAIN_METRIC = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
_PLAIN_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SERIES_AT_ONCE = 2_000


async def federate(
    source: SeriesSource, matcher_sets: MatcherSets, now_ms: int, lookback_ms: int, *, utf8_names: bool
) -> str:
    """Return the newest sample of all series that any set means, no older than `lookback_ms`, in the text format.

    Series that have ended are left out, and native histograms, which this format cannot carry. Without `utf8_names`,
    what is no letter, digit or underscore of a name becomes an underscore.
    """
    newest: dict[Labels, tuple[float, int]] = {}
    for matchers in matcher_sets:
        series = await source.find_series(matchers, now_ms - lookback_ms, now_ms)
        for start in range(0, len(series), _SERIES_AT_ONCE):
            part = series.take(np.arange(start, min(start + _SERIES_AT_ONCE, len(series))))
            samples = await source.read_samples(part, now_ms - lookback_ms, now_ms)
            newest.update(_newest(part, samples))
    lines: list[str] = []
    family = ""
    for labels in sorted(newest, key=lambda labels: (labels.metric_name, labels.pairs)):
        name = labels.metric_name
        if not name:
            continue
        shown = name if utf8_names else _underscore(name, _PLAIN_METRIC)
        if shown != family:
            family = shown
            lines.append(f"# TYPE {shown if _PLAIN_METRIC.fullmatch(shown) else _quote(shown)} untyped")
        value, time_ms = newest[labels]
        lines.append(f"{_format_series(shown, labels, utf8_names=utf8_names)} {format_general(value)} {time_ms}")
    return "\n".join((*lines, "")) if lines else ""


def _newest(series: SeriesSet, samples: Samples) -> Iterator[tuple[Labels, tuple[float, int]]]:
    ends = samples.offsets[1:]
    filled = np.flatnonzero(ends > samples.offsets[:-1])
    last = ends[filled] - 1
    stale = is_stale(samples.values[last]) if len(last) else np.empty(0, np.bool_)
    for row, place, ended in zip(filled.tolist(), last.tolist(), stale.tolist(), strict=True):
        if not ended and (samples.histograms is None or samples.histograms[place] is None):
            yield series.labels[row], (float(samples.values[place]), int(samples.times_ms[place]))


def _format_series(name: str, labels: Labels, *, utf8_names: bool) -> str:
    pairs = []
    plain = _PLAIN_METRIC.fullmatch(name) is not None
    if not plain:
        pairs.append(_quote(name))
    instance = False
    for label, value in labels:
        if label == METRIC_NAME:
            continue
        instance = instance or label == "instance"
        shown = label if utf8_names else _underscore(label, _PLAIN_LABEL)
        pairs.append(f"{shown if _PLAIN_LABEL.fullmatch(shown) else _quote(shown)}={_quote(value)}")
    if not instance:
        # Otherwise whoever scrapes would put the address of this server there.
        pairs.append('instance=""')
    return f"{name if plain else ''}{{{','.join(pairs)}}}"


def _underscore(name: str, plain: re.Pattern[str]) -> str:
    if plain.fullmatch(name):
        return name
    allowed = re.sub(r"[^A-Za-z0-9_:]", "_", name)
    return allowed if not allowed[:1].isdigit() else f"_{allowed}"


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
