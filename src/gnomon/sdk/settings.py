"""What `setup` is told: by its arguments, then by GNOMON_*, then by OpenTelemetry's OTEL_* variables."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar, cast
from urllib.parse import unquote, urlsplit

from gnomon.sdk.faults import warn_once

MetricsMode = Literal["push", "scrape", "none"]
Instrument = Literal["all", "none"] | tuple[str, ...]

DEFAULT_ENDPOINT = "http://127.0.0.1:4318"
REMOTE_SAMPLE_RATIO = 0.1
_OTLP_PATHS = ("/v1/traces", "/v1/logs", "/v1/metrics")
_SAMPLERS = {"always_on": 1.0, "always_off": 0.0, "parentbased_always_on": 1.0, "parentbased_always_off": 0.0}
_RATIO_SAMPLERS = {"traceidratio", "parentbased_traceidratio"}
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}

_SMALLEST_MS = 100

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Settings:
    """Say who this process is, what it records, and where that goes.

    Durations are in seconds, sizes in bytes. `endpoint` is the base URL of OTLP/HTTP, or "" to send nothing.
    """

    service: str
    namespace: str = ""
    version: str = ""
    environment: str = ""
    endpoint: str = DEFAULT_ENDPOINT
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    certificate: str = ""
    timeout_s: float = 10.0
    disabled: bool = False
    traces: bool = True
    logs: bool = True
    metrics: MetricsMode = "push"
    metrics_interval_s: float = 15.0
    sample_ratio: float = 1.0
    slow_s: float = 1.0
    instrument: Instrument = "all"
    send_interval_s: float = 1.0
    queue_bytes: int = 16 * 1024 * 1024
    attribute_bytes: int = 32 * 1024
    label_values: int = 200
    record_content: bool = False
    resource: Mapping[str, str] = field(default_factory=dict)

    def url(self, path: str) -> str:
        """Return the address of one signal, such as /v1/traces."""
        return self.endpoint.rstrip("/") + path


def load(
    *,
    service: str | None = None,
    namespace: str | None = None,
    version: str | None = None,
    environment: str | None = None,
    endpoint: str | None = None,
    api_key: str | None = None,
    headers: Mapping[str, str] | None = None,
    disabled: bool | None = None,
    traces: bool | None = None,
    logs: bool | None = None,
    metrics: MetricsMode | None = None,
    metrics_interval_s: float | None = None,
    sample_ratio: float | None = None,
    slow_s: float | None = None,
    instrument: Literal["all", "none"] | Sequence[str] | None = None,
    label_values: int | None = None,
    record_content: bool | None = None,
    resource: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Read each setting from its argument, else from GNOMON_*, else from OTEL_*, else take its default.

    A wrong argument is refused with ValueError; a wrong variable is told in the log and passed over, since an
    application must start whatever its environment says about telemetry.
    """
    read = _Environment(os.environ if environ is None else environ)
    known = read.pairs("OTEL_RESOURCE_ATTRIBUTES") | dict(resource or {})
    base = _first(endpoint, read.text("GNOMON_ENDPOINT"), read.text("OTEL_EXPORTER_OTLP_ENDPOINT"), DEFAULT_ENDPOINT)
    if endpoint is not None:
        _check_endpoint("endpoint", endpoint)
    elif not _is_endpoint(base):
        warn_once("Gnomon's SDK sends to %s: the endpoint %r in the environment is no http URL", DEFAULT_ENDPOINT, base)
        base = DEFAULT_ENDPOINT
    sent = read.pairs("OTEL_EXPORTER_OTLP_HEADERS")
    key = _first(api_key, read.text("GNOMON_API_KEY"), "")
    if key:
        sent["authorization"] = f"Bearer {key}"
    sent |= {name.lower(): value for name, value in (headers or {}).items()}
    default_ratio = 1.0 if is_loopback(base) else REMOTE_SAMPLE_RATIO
    return Settings(
        service=_first(
            service, read.text("GNOMON_SERVICE"), read.text("OTEL_SERVICE_NAME"), known.get("service.name"), _program()
        ),
        namespace=_first(_check_namespace(namespace), read.namespace(), ""),
        version=_first(version, read.text("GNOMON_SERVICE_VERSION"), known.get("service.version"), ""),
        environment=_first(
            environment,
            read.text("GNOMON_ENVIRONMENT"),
            known.get("deployment.environment.name"),
            known.get("deployment.environment"),
            "",
        ),
        endpoint=base,
        headers=sent,
        certificate=read.text("OTEL_EXPORTER_OTLP_CERTIFICATE") or "",
        timeout_s=_first(read.number("GNOMON_TIMEOUT_S", 0.1, 600), read.otlp_timeout_s(), 10.0),
        disabled=_first(disabled, read.flag("GNOMON_DISABLED"), read.flag("OTEL_SDK_DISABLED"), False),
        traces=_first(traces, read.flag("GNOMON_TRACES"), read.exporter("OTEL_TRACES_EXPORTER"), True),
        logs=_first(logs, read.flag("GNOMON_LOGS"), read.exporter("OTEL_LOGS_EXPORTER"), True),
        metrics=_check_choice(
            "metrics",
            _first(
                metrics,
                cast("MetricsMode | None", read.choice("GNOMON_METRICS", ("push", "scrape", "none"))),
                read.metrics_exporter(),
                "push",
            ),
            ("push", "scrape", "none"),
        ),
        metrics_interval_s=_check_range(
            "metrics_interval_s",
            _first(
                metrics_interval_s,
                read.number("GNOMON_METRICS_INTERVAL_S", 0.1, 3600),
                _scaled(read.number("OTEL_METRIC_EXPORT_INTERVAL", 100, 3_600_000), 1e-3),
                15.0,
            ),
            0.1,
            3600,
        ),
        sample_ratio=_check_range(
            "sample_ratio",
            _first(sample_ratio, read.number("GNOMON_SAMPLE_RATIO", 0, 1), read.sampler(), default_ratio),
            0,
            1,
        ),
        slow_s=_check_range("slow_s", _first(slow_s, read.number("GNOMON_SLOW_S", 0, 1e9), 1.0), 0, 1e9),
        instrument=_instrument(_first(instrument, read.text("GNOMON_INSTRUMENT"), "all"), read),
        send_interval_s=_first(
            read.number("GNOMON_SEND_INTERVAL_S", 0.05, 60),
            _scaled(read.number("OTEL_BSP_SCHEDULE_DELAY", 50, 60_000), 1e-3),
            1.0,
        ),
        queue_bytes=int(_first(read.number("GNOMON_QUEUE_BYTES", 65_536, 2**31), 16.0 * 1024 * 1024)),
        attribute_bytes=int(
            _first(
                read.number("GNOMON_ATTRIBUTE_BYTES", 64, 2**24),
                read.number("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", 64, 2**24),
                32.0 * 1024,
            )
        ),
        label_values=int(
            _check_range(
                "label_values", _first(label_values, read.number("GNOMON_LABEL_VALUES", 1, 100_000), 200), 1, 100_000
            )
        ),
        record_content=_first(
            record_content,
            read.flag("GNOMON_RECORD_CONTENT"),
            read.flag("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"),
            False,
        ),
        resource=known,
    )


def is_loopback(endpoint: str) -> bool:
    """Tell whether an endpoint is on this machine."""
    host = urlsplit(endpoint).hostname or ""
    return host in {"localhost", "::1", ""} or host.startswith("127.")


class _Environment:
    """Read variables; one that makes no sense is told once and counts as absent."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str) -> str | None:
        value = self._environ.get(name, "").strip()
        return value or None

    def _parse(self, name: str, expected: str, parse: Callable[[str], T | None]) -> T | None:
        value = self.text(name)
        if value is None:
            return None
        try:
            parsed = parse(value)
        except ValueError:
            parsed = None
        if parsed is None:
            warn_once("Gnomon's SDK passes over %s=%r: expected %s", name, value, expected)
        return parsed

    def number(self, name: str, low: float, high: float) -> float | None:
        def parse(value: str) -> float | None:
            number = float(value)
            return number if low <= number <= high else None

        return self._parse(name, f"a number from {low:g} to {high:g}", parse)

    def flag(self, name: str) -> bool | None:
        def parse(value: str) -> bool | None:
            lowered = value.lower()
            return True if lowered in _TRUE else False if lowered in _FALSE else None

        return self._parse(name, "true or false", parse)

    def choice(self, name: str, choices: Sequence[str]) -> str | None:
        return self._parse(
            name, " or ".join(choices), lambda value: value.lower() if value.lower() in choices else None
        )

    def namespace(self) -> str | None:
        return self._parse(
            "GNOMON_NAMESPACE",
            "letters, digits and underscores",
            lambda value: value.rstrip("_") if _is_namespace(value) else None,
        )

    def pairs(self, name: str) -> dict[str, str]:
        """Read `key=value,…` with percent-encoded values, as OpenTelemetry writes headers and attributes."""
        out = {}
        for part in (self.text(name) or "").split(","):
            key, equals, value = part.partition("=")
            if equals and key.strip():
                out[unquote(key.strip())] = unquote(value.strip())
            elif part.strip():
                warn_once("Gnomon's SDK passes over %r in %s: expected key=value", part, name)
        return out

    def exporter(self, name: str) -> bool | None:
        value = self.text(name)
        return None if value is None else value.lower() != "none"

    def metrics_exporter(self) -> MetricsMode | None:
        modes: dict[str, MetricsMode] = {"none": "none", "otlp": "push", "prometheus": "scrape"}
        return self._parse("OTEL_METRICS_EXPORTER", " or ".join(modes), lambda value: modes.get(value.lower()))

    def otlp_timeout_s(self) -> float | None:
        """Read OTEL_EXPORTER_OTLP_TIMEOUT: milliseconds; small ones are seconds, as OpenTelemetry for Python has it."""
        value = self.number("OTEL_EXPORTER_OTLP_TIMEOUT", 1, 600_000)
        return value if value is not None and value < _SMALLEST_MS else _scaled(value, 1e-3)

    def sampler(self) -> float | None:
        name = (self.text("OTEL_TRACES_SAMPLER") or "").lower()
        if name in _SAMPLERS:
            return _SAMPLERS[name]
        if name in _RATIO_SAMPLERS:
            return _first(self.number("OTEL_TRACES_SAMPLER_ARG", 0, 1), 1.0)
        if name:
            warn_once("Gnomon's SDK passes over OTEL_TRACES_SAMPLER=%r: it knows %s", name, sorted(_RATIO_SAMPLERS))
        return None


def _first(*values: T | None) -> T:
    return next(value for value in values if value is not None)


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _program() -> str:
    name = os.path.basename(sys.argv[0] if sys.argv else "")  # noqa: PTH119 - a name, not a path to open
    return f"unknown_service:{name or 'python'}"


def _is_endpoint(value: str) -> bool:
    parts = urlsplit(value)
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _check_endpoint(name: str, value: str) -> None:
    if value and not _is_endpoint(value):
        raise ValueError(f"Invalid {name}: {value!r}. Write the base URL of OTLP/HTTP, such as {DEFAULT_ENDPOINT!r}.")
    if value.endswith(_OTLP_PATHS):
        raise ValueError(f"Invalid {name}: {value!r}. Leave the path out: /v1/traces and the others are appended.")


def _is_namespace(value: str) -> bool:
    return not value or (value.isascii() and value.replace("_", "a").isalnum() and not value[0].isdigit())


def _check_namespace(value: str | None) -> str | None:
    if value is not None and not _is_namespace(value):
        raise ValueError(f"Invalid namespace: {value!r}. Use letters, digits and underscores, as in metric names.")
    return None if value is None else value.rstrip("_")


def _check_range(name: str, value: float, low: float, high: float) -> float:
    if not low <= value <= high:
        raise ValueError(f"Invalid {name}: {value!r}. Use a number from {low:g} to {high:g}.")
    return value


def _check_choice(name: str, value: T, choices: Sequence[T]) -> T:
    if value not in choices:
        raise ValueError(f"Invalid {name}: {value!r}. Use one of {', '.join(map(str, choices))}.")
    return value


def _instrument(value: str | Sequence[str], read: _Environment) -> Instrument:
    if isinstance(value, str):
        if value in {"all", "none"}:
            chosen: Instrument = cast("Literal['all', 'none']", value)
        else:
            chosen = tuple(name for part in value.split(",") if (name := part.strip()))
    else:
        chosen = tuple(value)
    unwanted = read.text("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS")
    if unwanted == "*":
        return "none"
    return chosen
