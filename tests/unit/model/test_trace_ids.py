"""Ids as people paste them."""

import pytest

from gnomon.model.errors import InvalidInputError
from gnomon.model.trace_ids import parse_span_id, parse_trace_id

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    "text",
    [
        TRACE,
        TRACE.upper(),
        f"  {TRACE}\n",
        f"0x{TRACE}",
        "0af76519-16cd-43dd-8448-eb211c80319c",
        f"00-{TRACE}-00f067aa0ba902b7-01",
        f"01-{TRACE}-00f067aa0ba902b7-00-future",
        f"{TRACE}:00f067aa0ba902b7:0:1",
        TRACE[1:],
        f"{TRACE[1:]}:f067aa0ba902b7:0:d",
        f"{TRACE}%3A00f067aa0ba902b7%3A0%3A1",
    ],
)
def test_every_spelling_means_the_same_trace(text: str) -> None:
    assert parse_trace_id(text) == TRACE


@pytest.mark.parametrize("text", ["12aa43dd8448eb21", "12AA43DD8448EB21", "000000000000000012aa43dd8448eb21"])
def test_64_bits_are_padded(text: str) -> None:
    assert parse_trace_id(text) == "000000000000000012aa43dd8448eb21"


@pytest.mark.parametrize("text", ["", "xyz", "0" * 32, TRACE + "0", "00-short-00f067aa0ba902b7-01", "a:b"])
def test_anything_else_is_refused_with_its_value(text: str) -> None:
    with pytest.raises(InvalidInputError, match="Invalid trace id"):
        parse_trace_id(text)


def test_span_ids_are_padded_and_checked() -> None:
    assert parse_span_id("F067AA0BA902B7") == "00f067aa0ba902b7"
    with pytest.raises(InvalidInputError, match="Invalid span id: 'zz'"):
        parse_span_id("zz")
