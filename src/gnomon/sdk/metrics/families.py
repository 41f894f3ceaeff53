"""Metrics to count, set and observe with: prometheus_client underneath, a bound on label values, no raising."""

import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar, cast

import prometheus_client as prometheus
from prometheus_client.registry import CollectorRegistry

from gnomon.sdk import faults
from gnomon.sdk.metrics.catalog import BY_NAME, Kind, Metric

OTHER = "__other__"
DEFAULT_BUCKETS = prometheus.Histogram.DEFAULT_BUCKETS


class CounterChild(Protocol):
    """Count things that happened."""

    def inc(self, amount: float = 1, exemplar: dict[str, str] | None = None) -> None:
        """Count `amount` more."""


class GaugeChild(Protocol):
    """Hold a value that goes up and down."""

    def inc(self, amount: float = 1) -> None:
        """Add."""

    def dec(self, amount: float = 1) -> None:
        """Take away."""

    def set(self, value: float) -> None:
        """Hold `value` from now on."""


class HistogramChild(Protocol):
    """Spread observed values over buckets."""

    def observe(self, amount: float, exemplar: dict[str, str] | None = None) -> None:
        """Take one value."""


class _Nothing:
    """Stand in for any metric while the SDK is off or the metric could not be created."""

    def inc(self, amount: float = 1, exemplar: dict[str, str] | None = None) -> None: ...
    def dec(self, amount: float = 1) -> None: ...
    def set(self, value: float) -> None: ...
    def observe(self, amount: float, exemplar: dict[str, str] | None = None) -> None: ...


_NOTHING = _Nothing()
_CACHED_TYPES = (str, int)
Child = TypeVar("Child")


@dataclass(slots=True)
class _State:
    enabled: bool = False
    namespace: str = ""
    label_values: int = 200
    registry: CollectorRegistry = field(default_factory=lambda: prometheus.REGISTRY)
    created: dict[tuple[int, str], Any] = field(default_factory=dict)
    lock: Any = field(default_factory=threading.RLock)


_state = _State()
_families: "dict[str, _Family[Any]]" = {}
_overflows: dict[tuple[str, str], int] = {}


class _Family(Generic[Child]):
    """Find the child for label values: one look-up where they were seen before."""

    kind: Kind

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._real: Any = None
        self._children: dict[tuple[str, ...], Child] = {}
        self._values: tuple[set[str], ...] = tuple(set() for _ in metric.labels)

    @property
    def declaration(self) -> Metric:
        """What this metric was declared as."""
        return self._metric

    def labels(self, *values: object, **named: object) -> Child:
        """Return the child for these label values, by place or by name.

        Beyond the bound on distinct values of a label, new values become `__other__`, and that is counted.
        """
        try:
            if named:
                values = (*values, *(named[label] for label in self._metric.labels[len(values) :]))
            return self._children[values]  # type: ignore[index]
        except (KeyError, TypeError):
            return self._find(values, named)

    def forget(self) -> None:
        """Look everything up afresh: settings changed."""
        self._real = None
        self._children = {}
        self._values = tuple(set() for _ in self._metric.labels)

    def _find(self, values: tuple[object, ...], named: Mapping[str, object]) -> Child:
        if not _state.enabled:
            return cast("Child", _NOTHING)
        try:
            with _state.lock:
                return self._create(values, named)
        except Exception as error:  # noqa: BLE001 - counting must not stop what is counted
            faults.note(f"use the metric {self._metric.name}", error)
            return cast("Child", _NOTHING)

    def _create(self, values: tuple[object, ...], named: Mapping[str, object]) -> Child:
        names = self._metric.labels
        if len(values) != len(names) or not set(named) <= set(names):
            given = sorted(named) if named else [repr(value) for value in values]
            raise ValueError(f"{self._metric.name} has the labels {list(names)!r}, not {given!r}.")
        if self._real is None:
            self._real = _register(self._metric)
        texts = tuple("" if value is None else str(value) for value in values)
        bounded = tuple(self._bound(place, value) for place, value in enumerate(texts))
        child = self._real.labels(*bounded) if names else self._real
        if bounded == texts:
            self._children[texts] = child
            if all(type(value) in _CACHED_TYPES for value in values):
                self._children[cast("tuple[str, ...]", values)] = child
        return cast("Child", child)

    def _bound(self, place: int, value: str) -> str:
        known = self._values[place]
        if value in known:
            return value
        if len(known) >= _state.label_values:
            key = (_full_name(self._metric), self._metric.labels[place])
            _overflows[key] = _overflows.get(key, 0) + 1
            return OTHER
        known.add(value)
        return value


class Counter(_Family[CounterChild]):
    """Count things that happened, by labels."""

    kind = "counter"

    def inc(self, amount: float = 1, exemplar: dict[str, str] | None = None) -> None:
        """Count `amount` more, where the metric has no labels."""
        self.labels().inc(amount, exemplar)


class Gauge(_Family[GaugeChild]):
    """Hold values that go up and down, by labels."""

    kind = "gauge"

    def inc(self, amount: float = 1) -> None:
        """Add, where the metric has no labels."""
        self.labels().inc(amount)

    def dec(self, amount: float = 1) -> None:
        """Take away, where the metric has no labels."""
        self.labels().dec(amount)

    def set(self, value: float) -> None:
        """Hold `value`, where the metric has no labels."""
        self.labels().set(value)


class Histogram(_Family[HistogramChild]):
    """Spread values over buckets, by labels."""

    kind = "histogram"

    def observe(self, amount: float, exemplar: dict[str, str] | None = None) -> None:
        """Take one value, where the metric has no labels."""
        self.labels().observe(amount, exemplar)


def counter(name: str, text: str = "", labels: Sequence[str] = ()) -> Counter:
    """Return a counter of the catalogue by its name, or declare one of your own with `text` and `labels`."""
    return cast("Counter", _family(Counter, name, text, labels, ()))


def gauge(name: str, text: str = "", labels: Sequence[str] = ()) -> Gauge:
    """Return a gauge of the catalogue by its name, or declare one of your own with `text` and `labels`."""
    return cast("Gauge", _family(Gauge, name, text, labels, ()))


def histogram(
    name: str, text: str = "", labels: Sequence[str] = (), buckets: Sequence[float] = DEFAULT_BUCKETS
) -> Histogram:
    """Return a histogram of the catalogue by its name, or declare one with `text`, `labels` and `buckets`."""
    return cast("Histogram", _family(Histogram, name, text, labels, buckets))


def configure(namespace: str, label_values: int, *, enabled: bool) -> None:
    """Prefix, bound and switch all metrics; those of another namespace begin afresh."""
    with _state.lock:
        _state.namespace = namespace
        _state.label_values = label_values
        _state.enabled = enabled
        for family in _families.values():
            family.forget()


def registry() -> CollectorRegistry:
    """Return where the metrics are registered: prometheus_client's own, together with the application's."""
    return _state.registry


def overflows() -> dict[tuple[str, str], int]:
    """Return how often a label value was replaced, by metric and label."""
    return dict(_overflows)


def _family(
    kind: type[_Family[Any]], name: str, text: str, labels: Sequence[str], buckets: Sequence[float]
) -> _Family[Any]:
    with _state.lock:
        known = _families.get(name)
        if known is None:
            metric = BY_NAME.get(name) or Metric(
                "own", name, kind.kind, tuple(labels), text or name, "", tuple(buckets)
            )
            known = _KINDS[metric.kind](metric)
            _families[name] = known
    if type(known) is not kind:
        raise TypeError(f"{name!r} is a {known.kind}. Ask for it with {known.kind}({name!r}).")
    if labels and tuple(labels) != known.declaration.labels:
        raise ValueError(f"{name!r} is declared with the labels {known.declaration.labels!r}, not {tuple(labels)!r}.")
    return known


_KINDS: dict[Kind, type[_Family[Any]]] = {"counter": Counter, "gauge": Gauge, "histogram": Histogram}


def _full_name(metric: Metric) -> str:
    return f"{_state.namespace}_{metric.name}" if _state.namespace else metric.name


def _register(metric: Metric) -> Any:
    name = _full_name(metric)
    key = (id(_state.registry), name)
    if key in _state.created:
        return _state.created[key]
    if metric.kind == "counter":
        real: Any = prometheus.Counter(name, metric.help, metric.labels, registry=_state.registry)
    elif metric.kind == "gauge":
        real = prometheus.Gauge(
            name, metric.help, metric.labels, registry=_state.registry, multiprocess_mode=metric.merging
        )
    else:
        real = prometheus.Histogram(
            name, metric.help, metric.labels, registry=_state.registry, buckets=metric.buckets or DEFAULT_BUCKETS
        )
    _state.created[key] = real
    return real


def _renew_after_fork() -> None:
    """Count afresh in a child: its parent goes on counting what it counted so far."""
    _state.lock = threading.RLock()
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        for real in _state.created.values():
            _state.registry.unregister(real)
        _state.created.clear()
    for family in _families.values():
        family.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_after_fork)
