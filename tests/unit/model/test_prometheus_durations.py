"""Durations as Prometheus' files write them."""

import pytest

from gnomon.model.errors import InvalidInputError
from gnomon.model.prometheus_durations import format_prometheus_duration, parse_prometheus_duration_ms


@pytest.mark.parametrize(
    ("text", "duration_ms", "printed"),
    [
        ("0", 0, "0s"),
        ("15s", 15_000, "15s"),
        ("1m30s", 90_000, "1m30s"),
        ("90s", 90_000, "1m30s"),
        ("250ms", 250, "250ms"),
        ("7d", 604_800_000, "1w"),
        ("8d", 691_200_000, "8d"),
        ("1y2w3d4h5m6s7ms", 33_019_506_007, "382d4h5m6s7ms"),
        ("52w", 31_449_600_000, "52w"),
        ("365d", 31_536_000_000, "1y"),
    ],
)
def test_read_and_printed_as_prometheus_does(text: str, duration_ms: int, printed: str) -> None:
    assert parse_prometheus_duration_ms(text) == duration_ms
    assert format_prometheus_duration(duration_ms) == printed
    assert parse_prometheus_duration_ms(printed) == duration_ms


@pytest.mark.parametrize("text", ["", "15", "1.5s", "-1s", "1s1m", "1m1m", "5 s", "s", "1S", "1ns", "1msx"])
def test_what_prometheus_refuses_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="not a valid duration string"):
        parse_prometheus_duration_ms(text)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="out of range"):
        parse_prometheus_duration_ms("300y")
