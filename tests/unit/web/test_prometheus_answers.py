"""Parameters and errors in Prometheus' terms."""

import json

import pytest

from gnomon.model.errors import (
    GnomonError,
    InvalidInputError,
    LimitExceededError,
    NotFoundError,
    UnavailableError,
)
from gnomon.promql.errors import ExecutionError, ParseError, QueryCancelledError, QueryTimeoutError
from gnomon.web.prometheus_answers import (
    BadParameterError,
    Parameters,
    format_time,
    parse_duration_s,
    parse_time_ms,
    refuse,
    succeed,
    to_json,
)


@pytest.mark.parametrize(
    ("text", "time_ms"),
    [
        ("0", 0),
        ("1435781430.781", 1_435_781_430_781),
        ("1.0004", 1_000),
        ("-1.5", -1_500),
        ("1e3", 1_000_000),
        ("2015-07-01T20:10:51.781Z", 1_435_781_451_781),
        ("2015-07-01t22:10:51+02:00", 1_435_781_451_000),
        ("2015-07-01T20:10:51.781123456Z", 1_435_781_451_781),
        ("-292273086-05-16T16:47:06Z", 0),
        ("292277025-08-18T07:12:54.999999999Z", 253_402_300_799_000),
        ("1e300", 253_402_300_799_000),
    ],
)
def test_times_are_unix_seconds_or_rfc_3339(text: str, time_ms: int) -> None:
    """What clients send for "always" is within reach, too."""
    assert parse_time_ms(text) == time_ms


@pytest.mark.parametrize(
    "text", ["", "soon", "NaN", "Inf", " 1", "2015-07-01", "2015-13-01T00:00:00Z", "2015-07-01 20:10:51Z"]
)
def test_other_times_are_refused(text: str) -> None:
    """With Prometheus' words."""
    with pytest.raises(InvalidInputError, match=r"to a valid timestamp$"):
        parse_time_ms(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("15", 15.0), ("0.5", 0.5), ("1h30m", 5_400.0), ("100ms", 0.1), ("-1", -1.0)]
)
def test_durations_are_seconds_or_have_units(text: str, seconds: float) -> None:
    """Both forms mean the same."""
    assert parse_duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "1.5h", "1ns", "x", "1e300", "NaN", "1m1h"])
def test_other_durations_are_refused(text: str) -> None:
    """With Prometheus' words."""
    with pytest.raises(InvalidInputError, match="to a valid duration"):
        parse_duration_s(text)


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (InvalidInputError("x"), 400, "bad_data"),
        (ParseError("x", "y", 0), 400, "bad_data"),
        (NotFoundError("x"), 404, "not_found"),
        (ExecutionError("x"), 422, "execution"),
        (LimitExceededError("x", setting="a", value=1), 422, "execution"),
        (QueryCancelledError("x"), 499, "canceled"),
        (QueryTimeoutError("x", setting="a", value=1), 503, "timeout"),
        (UnavailableError("x", reason="y", retry_after_s=2.2), 503, "unavailable"),
        (GnomonError("x"), 500, "internal"),
    ],
)
def test_errors_have_prometheus_types_and_codes(error: GnomonError, status: int, kind: str) -> None:
    """Clients decide by these whether to try again."""
    answer = refuse(error)
    assert answer.status_code == status
    content = json.loads(bytes(answer.body))
    assert content == {"status": "error", "errorType": kind, "error": str(error)}
    assert answer.headers.get("retry-after") == ("3" if kind == "unavailable" else None)


def test_a_wrong_parameter_is_named() -> None:
    """The position of a mistake in a query is kept."""
    error = BadParameterError("query", ParseError("unexpected end of input", "1+", 2))
    assert str(error) == 'invalid parameter "query": 1:3: parse error: unexpected end of input'
    assert error.position == 2


def test_warnings_and_infos_accompany_data() -> None:
    """They are left out where there are none."""
    assert bytes(succeed(b"[]").body) == b'{"status":"success","data":[]}'
    assert json.loads(bytes(succeed(b"{}", ["w"], ["i"]).body)) == {
        "status": "success", "data": {}, "warnings": ["w"], "infos": ["i"],
    }  # fmt: skip


def test_the_first_of_several_values_counts_and_lists_keep_all() -> None:
    """As in Go: form before query string, first before later."""
    parameters = Parameters([("query", "a"), ("query", "b"), ("match[]", "x"), ("match[]", "y")])
    assert parameters.get("query") == "a"
    assert parameters.all("match[]") == ["x", "y"]
    assert parameters.get("none") == ""


def test_times_are_written_with_the_decimals_they_have() -> None:
    """RFC 3339, as Go writes it."""
    assert format_time(1_435_781_451_781_000_000) == "2015-07-01T20:10:51.781Z"
    assert format_time(0) == "1970-01-01T00:00:00Z"


def test_text_that_is_no_utf8_does_not_break_json() -> None:
    """Lone surrogates are what the parser keeps of such bytes."""
    assert json.loads(to_json({"a\udcff": ["\udcff"]})) == {"a�": ["�"]}
