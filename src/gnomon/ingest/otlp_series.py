"""The series that an OTLP data point belongs to: labels from its resource, scope, metric and attributes, remembered."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from gnomon.ingest.errors import MalformedRequestError
from gnomon.ingest.otlp_names import MetricKind, translate_label_name, translate_metric_name
from gnomon.ingest.otlp_values import format_plain, format_value
from gnomon.ingest.settings import OtlpSettings
from gnomon.ingest.write_request import encode_labels
from gnomon.model.errors import InvalidInputError
from gnomon.model.labels import METRIC_NAME, Labels

M = TypeVar("M", bound=Message)

_NAMESPACE, _NAME, _INSTANCE = "service.namespace", "service.name", "service.instance.id"
_IDENTIFYING = frozenset({_NAMESPACE, _NAME, _INSTANCE})
_TARGET_INFO = "target_info"
_MAX_SERIES = 500_000


@dataclass(slots=True)
class PointSeries:
    """The series of the points with the same attributes of one metric; each is encoded when it is first needed."""

    name: str
    labels: Labels
    _encoded: dict[tuple[str, str, str], bytes] = field(default_factory=dict)
    _buckets: dict[tuple[float, ...], list[bytes]] = field(default_factory=dict)

    def encode(self, suffix: str = "", label: str = "", value: str = "") -> bytes:
        """Return the labels of the series itself, or of `name_suffix` with one more label."""
        key = (suffix, label, value)
        encoded = self._encoded.get(key)
        if encoded is None:
            more = {METRIC_NAME: self.name + suffix}
            if label:
                more[label] = value
            encoded = self._encoded[key] = encode_labels(self.labels.replace(more))
        return encoded

    def encode_buckets(self, bounds: Sequence[float]) -> list[bytes]:
        """Return the labels of `name_bucket` for each bound, and for +Inf last."""
        key = tuple(bounds)
        encoded = self._buckets.get(key)
        if encoded is None:
            texts = [*map(format_plain, key), "+Inf"]
            encoded = self._buckets[key] = [self.encode("_bucket", "le", text) for text in texts]
        return encoded


@dataclass(slots=True)
class MetricSeries:
    """One metric of one resource and scope."""

    name: str
    scope: "ScopeSeries"
    points: dict[tuple[bytes, ...], PointSeries] = field(default_factory=dict)

    def find(self, attributes: tuple[bytes, ...]) -> PointSeries:
        """Return the series of a point by its encoded attributes.

        Raises MalformedRequestError, or InvalidInputError where an attribute's name cannot be translated.
        """
        series = self.points.get(attributes)
        if series is None:
            series = self.points[attributes] = PointSeries(self.name, self.scope.label(attributes))
            self.scope.cache.count += 1
        return series


class ScopeSeries:
    """The metrics of one scope of one resource."""

    def __init__(self, cache: "SeriesCache", resource: "ResourceSeries", scope: bytes, schema_url: str) -> None:
        """Read the scope; raises MalformedRequestError."""
        self.cache = cache
        self._resource = resource
        self._strategy = cache.settings.translation_strategy
        self._metrics: dict[tuple[str, str, MetricKind], MetricSeries] = {}
        self._scope: dict[str, str] = {}
        if cache.settings.promote_scope_metadata:
            read = _parse(InstrumentationScope(), scope)
            if read.name:
                for pair in read.attributes:
                    name = _label_name(f"otel_scope_{pair.key}", cache.settings)
                    self._scope[name] = format_value(pair.value)
                self._scope["otel_scope_name"] = read.name
                self._scope["otel_scope_version"] = read.version
                self._scope["otel_scope_schema_url"] = schema_url

    def metric(self, name: str, unit: str, kind: MetricKind) -> MetricSeries:
        """Return a metric; raises InvalidInputError where its name cannot be translated."""
        key = (name, unit, kind)
        metric = self._metrics.get(key)
        if metric is None:
            translated = translate_metric_name(name, unit, kind, self._strategy)
            metric = self._metrics[key] = MetricSeries(translated, self)
        return metric

    def label(self, attributes: Iterable[bytes]) -> Labels:
        """Return the labels of a point, all but the metric's name."""
        pairs = [_parse(KeyValue(), raw) for raw in attributes]
        labels = _join({pair.key: format_value(pair.value) for pair in pairs}, self.cache.settings)
        for name, value in self._resource.promoted.items():
            # A label without a value is none.
            labels[name] = labels.get(name) or value
        return Labels.of(labels | self._scope | self._resource.identity)


class ResourceSeries:
    """What a resource gives to all its series."""

    def __init__(self, cache: "SeriesCache", resource: bytes) -> None:
        """Read the resource; raises MalformedRequestError."""
        settings = cache.settings
        self._cache = cache
        self._scopes: dict[tuple[bytes, str], ScopeSeries] = {}
        attributes = {pair.key: format_value(pair.value) for pair in _parse(Resource(), resource).attributes}
        self.identity: dict[str, str] = {}
        if _NAME in attributes:
            namespace = f"{attributes[_NAMESPACE]}/" if _NAMESPACE in attributes else ""
            self.identity["job"] = namespace + attributes[_NAME]
        if _INSTANCE in attributes:
            self.identity["instance"] = attributes[_INSTANCE]
        self.promoted: dict[str, str] = {}
        for name, value in attributes.items():
            # Nothing is lost with a resource's attribute that has no name in Prometheus.
            if value and _is_promoted(name, settings):
                with suppress(InvalidInputError):
                    self.promoted.setdefault(_label_name(name, settings), value)
        self.target_info = b""
        with suppress(InvalidInputError):
            self.target_info = self._encode_target_info(attributes)

    def scope(self, scope: bytes, schema_url: str) -> ScopeSeries:
        """Return a scope by its encoded form; raises MalformedRequestError or InvalidInputError."""
        key = (scope, schema_url)
        found = self._scopes.get(key)
        if found is None:
            found = self._scopes[key] = ScopeSeries(self._cache, self, scope, schema_url)
        return found

    def _encode_target_info(self, attributes: Mapping[str, str]) -> bytes:
        """Return the labels of `target_info`; empty where there is nothing to tell, or nobody to tell it of."""
        settings = self._cache.settings
        told = {name: value for name, value in attributes.items() if name not in _IDENTIFYING}
        if not told or not self.identity:
            return b""
        if settings.keep_identifying_resource_attributes:
            told = dict(attributes)
        labels = _join(told, settings) | self.identity | {METRIC_NAME: _TARGET_INFO}
        return encode_labels(Labels.of(labels))


class SeriesCache:
    """All that is known of the series of OTLP senders; begins anew when it has become too large."""

    def __init__(self, settings: OtlpSettings) -> None:
        """Translate as `settings` say."""
        self.settings = settings
        self.count = 0
        self._resources: dict[bytes, ResourceSeries] = {}

    def resource(self, resource: bytes) -> ResourceSeries:
        """Return a resource by its encoded form; raises MalformedRequestError."""
        if self.count > _MAX_SERIES:
            self._resources.clear()
            self.count = 0
        found = self._resources.get(resource)
        if found is None:
            found = self._resources[resource] = ResourceSeries(self, resource)
            self.count += 1
        return found


def _label_name(name: str, settings: OtlpSettings) -> str:
    return translate_label_name(
        name,
        settings.translation_strategy,
        prefix_underscore=settings.label_name_underscore_sanitization,
        keep_underscores=settings.label_name_preserve_multiple_underscores,
    )


def _is_promoted(name: str, settings: OtlpSettings) -> bool:
    if settings.promote_all_resource_attributes:
        return name not in settings.ignore_resource_attributes
    return name in settings.promote_resource_attributes


def _join(attributes: Mapping[str, str], settings: OtlpSettings) -> dict[str, str]:
    """Return labels; the values of attributes whose names become the same are joined in the order of these names."""
    if not settings.translation_strategy.escapes:
        return dict(attributes)
    labels: dict[str, str] = {}
    for name in sorted(attributes):
        translated = _label_name(name, settings)
        before = labels.get(translated, "")
        labels[translated] = f"{before};{attributes[name]}" if before else attributes[name]
    return labels


def _parse(message: M, raw: bytes) -> M:
    try:
        message.ParseFromString(raw)
    except DecodeError as error:
        text = f"The body is no ExportMetricsServiceRequest: {error}"
        raise MalformedRequestError(text) from error
    return message
