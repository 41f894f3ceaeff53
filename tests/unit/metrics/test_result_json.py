"""Results become Prometheus' JSON, number for number."""

import json
import math

import numpy as np
import pytest

from gnomon.metrics.result_json import encode_labels, encode_result, encode_text, encode_time, encode_values
from gnomon.model.histogram_buckets import Buckets
from gnomon.model.labels import Labels
from gnomon.model.native_histograms import NativeHistogram
from gnomon.model.series import Samples
from gnomon.promql.results import QueryResult, ResultKind

UP = Labels.of({"__name__": "up", "job": "a"})
DOWN = Labels.of({"__name__": "down", "text": 'a"\n☀'})
HISTOGRAM = NativeHistogram(0, 3.0, 4.5, positive=Buckets(np.array([1]), np.array([3.0])))


def decode(result: QueryResult, limit: int = 0) -> object:
    """Return what the JSON says."""
    return json.loads(b"{%b}" % encode_result(result, limit=limit))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (-0.0, "-0"),
        (0.1, "0.1"),
        (1 / 3, "0.3333333333333333"),
        (1e-5, "0.00001"),
        (1.5e-5, "0.000015"),
        (9.99e-6, "0.00000999"),
        (1e-6, "0.000001"),
        (9.9e-7, "9.9e-07"),
        (1e-10, "1e-10"),
        (5e-324, "5e-324"),
        (1e15, "1000000000000000"),
        (1e16, "10000000000000000"),
        (123456789012345680.0, "123456789012345680"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.5e300, "1.5e+300"),
        (math.nan, "NaN"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (-100.0, "-100"),
    ],
)
def test_values_are_written_as_go_writes_them(value: float, text: str) -> None:
    """The expected texts are those of a Prometheus 3.9."""
    assert encode_values(np.array([2.0, value, 3.5])) == [b"2", text.encode(), b"3.5"]


@pytest.mark.parametrize(
    ("time_ms", "text"),
    [
        (0, "0"),
        (1500, "1.500"),
        (1_435_781_430_781, "1435781430.781"),
        (2_005, "2.005"),
        (-180_000, "-180"),
        (-1, "-0.001"),
    ],
)
def test_times_have_three_decimals_or_none(time_ms: int, text: str) -> None:
    """Whole seconds are whole."""
    assert encode_time(time_ms).decode() == text


def test_a_matrix_has_the_samples_that_are_present() -> None:
    """Steps without a value are left out; rows keep their order."""
    result = QueryResult(
        ResultKind.MATRIX,
        np.array([0, 1_500, 3_000]),
        (UP, DOWN),
        np.array([[1.0, 2.0, 3.5], [9.0, math.nan, 0.0]]),
        np.array([[True, False, True], [False, True, False]]),
    )
    rows = [
        {"metric": {"__name__": "up", "job": "a"}, "values": [[0, "1"], [3, "3.5"]]},
        {"metric": {"__name__": "down", "text": 'a"\n☀'}, "values": [[1.5, "NaN"]]},
    ]
    assert decode(result) == {"resultType": "matrix", "result": rows}
    assert decode(result, limit=1) == {"resultType": "matrix", "result": rows[:1]}


def test_big_matrices_are_written_in_pieces_without_seams() -> None:
    """What is written some thousand values at a time reads as if it were written at once."""
    values = np.arange(30_000, dtype=np.float64).reshape(300, 100)
    present = values % 7 != 0
    labels = tuple(Labels.of({"n": f"{row:03}"}) for row in range(300))
    result = QueryResult(ResultKind.MATRIX, np.arange(100) * 1000, labels, values, present)
    found = json.loads(b"{%b}" % encode_result(result))["result"]
    for row, series in enumerate(found):
        expected = [[step, f"{row * 100 + step}"] for step in range(100) if (row * 100 + step) % 7]
        assert series == {"metric": {"n": f"{row:03}"}, "values": expected}


def test_histograms_stand_beside_floats() -> None:
    """A series may have both; each kind has its own list."""
    histograms = np.array([[None, HISTOGRAM], [HISTOGRAM, HISTOGRAM]], dtype=object)
    result = QueryResult(
        ResultKind.MATRIX, np.array([0, 1000]), (UP, DOWN), np.array([[1.0, 0.0], [0.0, 0.0]]), np.ones((2, 2), bool),
        histograms,
    )  # fmt: skip
    form = {"count": "3", "sum": "4.5", "buckets": [[0, "1", "2", "3"]]}
    first, second = json.loads(b"{%b}" % encode_result(result))["result"]
    assert first["values"] == [[0, "1"]]
    assert first["histograms"] == [[1, form]]
    assert "values" not in second
    assert len(second["histograms"]) == 2


def test_vectors_scalars_and_strings() -> None:
    """Each kind of result has its own form."""
    at = np.array([1500])
    vector = QueryResult(
        ResultKind.VECTOR, at, (UP, DOWN), np.array([[1.0], [0.0]]), np.ones((2, 1), bool),
        np.array([[None], [HISTOGRAM]], dtype=object),
    )  # fmt: skip
    first, second = json.loads(b"{%b}" % encode_result(vector))["result"]
    assert first == {"metric": {"__name__": "up", "job": "a"}, "value": [1.5, "1"]}
    assert second["histogram"][1]["count"] == "3"
    assert decode(QueryResult(ResultKind.VECTOR, at)) == {"resultType": "vector", "result": []}
    # A scalar has no exponent at all in Prometheus.
    scalar = QueryResult(ResultKind.SCALAR, at, (Labels(),), np.array([[1e-7]]), np.ones((1, 1), bool))
    assert decode(scalar) == {"resultType": "scalar", "result": [1.5, "0.0000001"]}
    assert decode(QueryResult(ResultKind.STRING, at, text='a"b')) == {"resultType": "string", "result": [1.5, 'a"b']}


def test_raw_samples_keep_their_own_times() -> None:
    """A range selector's samples are written with the times they came with."""
    samples = Samples(np.array([0, 2, 3]), np.array([10, 1_020, 3_000]), np.array([1.0, 2.0, 3.0]))
    result = QueryResult(ResultKind.MATRIX, np.array([5000]), (UP, DOWN), samples=samples)
    first, second = json.loads(b"{%b}" % encode_result(result))["result"]
    assert first["values"] == [[0.01, "1"], [1.02, "2"]]
    assert second["values"] == [[3, "3"]]


@pytest.mark.parametrize("step_ms", [15_000, 15_001])
def test_many_raw_samples_are_written_with_their_times(step_ms: int) -> None:
    """Whole seconds and others, from before 1970, too."""
    times = np.arange(-20, 200) * step_ms
    samples = Samples(np.array([0, len(times)]), times, times / 7)
    result = QueryResult(ResultKind.MATRIX, np.array([5000]), (UP,), samples=samples)
    (series,) = json.loads(b"{%b}" % encode_result(result))["result"]
    assert [(round(time * 1000), float(value)) for time, value in series["values"]] == [
        (time, time / 7) for time in times.tolist()
    ]


def test_bytes_that_are_no_utf8_become_replacement_characters() -> None:
    """JSON is UTF-8, whatever labels hold."""
    assert json.loads(encode_labels(Labels.of({"a": "x\udcff"}))) == {"a": "x�"}
    assert json.loads(encode_text("\udcff")) == "�"
