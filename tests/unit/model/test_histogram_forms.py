import numpy as np
import pytest

from gnomon.model.float_text import format_api, format_general
from gnomon.model.histogram_buckets import CUSTOM_SCHEMA
from gnomon.model.histogram_forms import counts_of_deltas, from_fields, to_json


def test_integer_histograms_travel_as_differences() -> None:
    histogram = from_fields(
        schema=0,
        count=7,
        total=9.5,
        zero_threshold=0.001,
        zero_count=1,
        positive_spans=[(0, 2), (1, 1)],
        positive_counts=counts_of_deltas([1, 1, -1]),
        negative_spans=[(1, 1)],
        negative_counts=counts_of_deltas([2]),
        reset_hint=3,
    )
    assert str(histogram) == "{count:7, sum:9.5, [-2,-1):2, [-0.001,0.001]:1, (0.5,1]:1, (1,2]:2, (4,8]:1}"
    assert histogram.counter_reset.name == "GAUGE"


def test_the_api_tells_which_bounds_belong_to_a_bucket() -> None:
    histogram = from_fields(
        schema=0,
        count=6,
        total=1.5,
        zero_threshold=0.25,
        zero_count=1,
        positive_spans=[(0, 2)],
        positive_counts=[0, 2],
        negative_spans=[(0, 1)],
        negative_counts=[3],
    )
    assert to_json(histogram) == {
        "count": "6",
        "sum": "1.5",
        "buckets": [(1, "-1", "-0.5", "3"), (3, "-0.25", "0.25", "1"), (0, "1", "2", "2")],
    }


def test_the_lowest_custom_bucket_reaches_down_to_infinity() -> None:
    histogram = from_fields(
        schema=CUSTOM_SCHEMA,
        count=3,
        total=9,
        positive_spans=[(0, 3)],
        positive_counts=np.array([1.0, 1.0, 1.0]),
        custom_values=[1, 5],
    )
    assert to_json(histogram)["buckets"] == [(3, "-Inf", "1", "1"), (0, "1", "5", "1"), (0, "5", "+Inf", "1")]


@pytest.mark.parametrize(
    ("value", "api", "general"),
    [
        (1e6, "1000000", "1e+06"),
        (1234567.5, "1234567.5", "1.2345675e+06"),
        (1e21, "1e+21", "1e+21"),
        (9.9e-7, "9.9e-07", "9.9e-07"),
        (0.00001, "0.00001", "1e-05"),
        (-0.5, "-0.5", "-0.5"),
        (float("inf"), "+Inf", "+Inf"),
        (float("nan"), "NaN", "NaN"),
    ],
)
def test_floats_are_written_as_go_writes_them(value: float, api: str, general: str) -> None:
    assert (format_api(value), format_general(value)) == (api, general)
