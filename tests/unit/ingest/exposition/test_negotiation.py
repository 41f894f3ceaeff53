"""Which format is asked for, and which one came."""

import pytest

from gnomon.ingest.exposition.errors import ExpositionError
from gnomon.ingest.exposition.negotiation import DEFAULT_PROTOCOLS, accept_header, find_format


def test_the_accept_header_is_that_of_prometheus() -> None:
    assert accept_header(DEFAULT_PROTOCOLS, "allow-utf-8") == (
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
        "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
        "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
    )


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("text/plain; version=0.0.4; charset=utf-8", "text"),
        ("application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores", "open_metrics"),
        ("application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited", "protobuf"),
    ],
)
def test_the_content_type_decides(content_type: str, expected: str) -> None:
    assert find_format(content_type, "PrometheusText0.0.4") == expected


@pytest.mark.parametrize("content_type", ["", "application/json", "text/html; charset=utf-8", ";;;"])
def test_an_unknown_content_type_needs_a_fallback(content_type: str) -> None:
    """Prometheus 3 guesses no more."""
    assert find_format(content_type, "OpenMetricsText1.0.0") == "open_metrics"
    with pytest.raises(ExpositionError, match="fallback_scrape_protocol"):
        find_format(content_type)
