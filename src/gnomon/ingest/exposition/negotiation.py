"""Which formats a scrape asks for, and which one it got."""

from collections.abc import Sequence
from email.message import Message
from typing import Literal

from gnomon.ingest.exposition.errors import ExpositionError

Format = Literal["text", "open_metrics", "protobuf"]

_OPEN_METRICS = "application/openmetrics-text"
_PROTOBUF = "application/vnd.google.protobuf"
_TEXT = "text/plain"
_ESCAPED = frozenset({"OpenMetricsText1.0.0", "PrometheusText1.0.0"})
_FORMATS: dict[str, Format] = {_OPEN_METRICS: "open_metrics", _PROTOBUF: "protobuf", _TEXT: "text"}

# Prometheus' names of the formats, as they stand in scrape_protocols.
PROTOCOLS = {
    "PrometheusProto": f"{_PROTOBUF};proto=io.prometheus.client.MetricFamily;encoding=delimited",
    "PrometheusText0.0.4": f"{_TEXT};version=0.0.4",
    "PrometheusText1.0.0": f"{_TEXT};version=1.0.0",
    "OpenMetricsText0.0.1": f"{_OPEN_METRICS};version=0.0.1",
    "OpenMetricsText1.0.0": f"{_OPEN_METRICS};version=1.0.0",
}
DEFAULT_PROTOCOLS = ("OpenMetricsText1.0.0", "OpenMetricsText0.0.1", "PrometheusText1.0.0", "PrometheusText0.0.4")
NATIVE_PROTOCOLS = ("PrometheusProto", *DEFAULT_PROTOCOLS)


def accept_header(protocols: Sequence[str], escaping: str) -> str:
    """Return the Accept header for protocols in order of preference; `escaping` is of names beyond ASCII."""
    weight = len(PROTOCOLS) + 1
    choices = []
    for protocol in protocols:
        escaped = f";escaping={escaping}" if protocol in _ESCAPED else ""
        choices.append(f"{PROTOCOLS[protocol]}{escaped};q=0.{weight}")
        weight -= 1
    return ",".join((*choices, f"*/*;q=0.{weight}"))


def find_format(content_type: str, fallback: str = "") -> Format:
    """Return the format of a response; `fallback` is the protocol to take when its content type says nothing known.

    Raises ExpositionError when there is none.
    """
    message = Message()
    message["content-type"] = content_type
    # Message answers text/plain for what it cannot read.
    media_type = message.get_content_type() if "/" in content_type else ""
    if media_type in _FORMATS:
        return _FORMATS[media_type]
    if fallback:
        return _FORMATS[PROTOCOLS[fallback].partition(";")[0]]
    if not content_type:
        raise ExpositionError(
            "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol "
            "specified for target"
        )
    raise ExpositionError(
        f'received unsupported Content-Type "{content_type}" and no fallback_scrape_protocol specified for target'
    )
