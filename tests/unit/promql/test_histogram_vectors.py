import math

import numpy as np
import pytest

from gnomon.model.histogram_buckets import Buckets
from gnomon.model.labels import Labels
from gnomon.model.native_histograms import NativeHistogram
from gnomon.promql.annotations import Annotations
from gnomon.promql.functions.histogram_vectors import (
    Argument,
    access,
    format_bound,
    fraction,
    labelled_quantiles,
    quantile,
)
from gnomon.promql.syntax_tree import Span
from gnomon.promql.values import Vector

SPAN = Span(0, 1)
NATIVE = NativeHistogram(count=4, sum=5, positive=Buckets(np.arange(3), np.array([1.0, 2.0, 1.0])))


def argument(rows: dict[str, list[float | NativeHistogram | None]]) -> Argument:
    cells = list(rows.values())
    histograms = np.full((len(rows), len(cells[0])), None, dtype=object)
    values = np.zeros(histograms.shape)
    present = np.zeros(histograms.shape, np.bool_)
    for place, row in enumerate(cells):
        for step, cell in enumerate(row):
            present[place, step] = cell is not None
            if isinstance(cell, NativeHistogram):
                histograms[place, step] = cell
            elif cell is not None:
                values[place, step] = cell
    labels = tuple(
        Labels.of({"__name__": "h", **dict(part.split("=") for part in text.split(",") if part)}) for text in rows
    )
    steps = np.arange(len(cells[0]), dtype=np.int64) * 60_000
    return Argument(Vector(labels, values, present, histograms), SPAN, steps, Annotations())


def table(vector: Vector) -> dict[tuple[tuple[str, str], ...], list[float | None]]:
    return {
        labels.pairs: [float(value) if there else None for value, there in zip(values, present, strict=True)]
        for labels, values, present in zip(vector.labels, vector.values, vector.present, strict=True)
    }


def half(given: Argument) -> Vector:
    return quantile(np.full(given.vector.steps, 0.5), SPAN, given)


def test_buckets_are_grouped_by_all_labels_but_their_bound() -> None:
    given = argument({f"job={job},le={bound}": [count] for job in "ab" for bound, count in (("1", 2), ("+Inf", 4))})
    assert table(half(given)) == {
        (("__name__", "h"), ("job", "a")): [1.0],
        (("__name__", "h"), ("job", "b")): [1.0],
    }


def test_a_bucket_that_is_missing_at_a_step_is_left_out_there() -> None:
    given = argument({"le=1": [2, 2], "le=2": [3, None], "le=+Inf": [4, 4]})
    assert table(half(given)) == {(("__name__", "h"),): [1.0, 1.0]}
    assert table(quantile(np.full(2, 1.0), SPAN, given)) == {(("__name__", "h"),): [2.0, 1.0]}


def test_two_ways_to_write_a_bound_make_one_bucket() -> None:
    given = argument({"le=1": [1], "le=1.0": [1], "le=+Inf": [4]})
    assert table(half(given)) == {(("__name__", "h"),): [1.0]}


def test_a_series_may_turn_from_classic_to_native() -> None:
    given = argument({"le=1": [2, None], "le=+Inf": [4, None], "": [None, NATIVE]})
    assert table(half(given)) == {(("__name__", "h"),): [1.0, pytest.approx(math.sqrt(2))]}


def test_classic_and_native_at_once_leave_a_warning_instead() -> None:
    given = argument({"le=1": [2], "le=+Inf": [4], "": [NATIVE]})
    assert table(half(given)) == {}
    warning = 'PromQL warning: vector contains a mix of classic and native histograms for metric name "h"'
    assert given.annotations.warnings("") == [warning]


def test_a_bound_that_is_no_number_leaves_a_warning() -> None:
    given = argument({"le=tall": [2]})
    assert table(half(given)) == {}
    warning = 'bucket label "le" is missing or has a malformed value of "tall" for metric name "h"'
    assert given.annotations.warnings("") == [f"PromQL warning: {warning}"]


def test_repairs_are_summed_up_in_one_remark() -> None:
    given = argument({"le=1": [2, 2], "le=2": [1, 1.5], "le=+Inf": [4, 4]})
    half(given)
    (remark,) = given.annotations.infos("")
    assert remark.endswith(
        ' for metric name "h", from buckets 2 to 2, with a max diff of 1, over 2 samples '
        "from 1970-01-01T00:00:00Z to 1970-01-01T00:01:00Z"
    )


def test_several_quantiles_get_a_label_each() -> None:
    given = argument({"": [NATIVE]})
    result = labelled_quantiles("q", [(np.array([0.0]), SPAN), (np.array([1.0]), SPAN)], given)
    assert table(result) == {(("__name__", "h"), ("q", "0.0")): [0.5], (("__name__", "h"), ("q", "1.0")): [4.0]}


def test_fractions_know_both_kinds() -> None:
    given = argument({"le=1,x=c": [2], "le=2,x=c": [3], "le=+Inf,x=c": [4], "x=n": [NATIVE]})
    result = fraction(np.array([1.0]), np.array([2.0]), given)
    assert list(table(result).values()) == [[0.25], [0.5]]


def test_nan_observations_are_remarked_on() -> None:
    given = argument({"": [NativeHistogram(count=5, sum=math.nan, positive=NATIVE.positive)]})
    half(given)
    fraction(np.array([0.0]), np.array([1.0]), given)
    skewed, excluded = given.annotations.infos("")
    assert skewed.endswith('has NaN observations, result is skewed higher for metric name "h"')
    assert excluded.endswith('has NaN observations, which are excluded from all fractions for metric name "h"')


def test_accessors_pass_floats_over() -> None:
    given = argument({"x=f": [1.0], "x=n": [NATIVE]})
    assert table(access("histogram_count", given.vector)) == {(("__name__", "h"), ("x", "n")): [4.0]}
    assert table(access("histogram_avg", given.vector)) == {(("__name__", "h"), ("x", "n")): [1.25]}


@pytest.mark.parametrize(("value", "text"), [(1, "1.0"), (0.5, "0.5"), (1e-7, "1e-07"), (math.inf, "+Inf")])
def test_quantiles_in_labels_are_written_as_openmetrics_does(value: float, text: str) -> None:
    assert format_bound(value) == text
