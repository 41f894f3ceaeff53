import math

import numpy as np
import pytest

from gnomon.promql.functions.classic_histograms import fractions, quantiles

BOUNDS = np.array([0.1, 0.2, 1.0, math.inf])


def counts(*buckets: float) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    return np.array(buckets, np.float64)[:, None]


@pytest.mark.parametrize(
    ("q", "expected"),
    [(0.5, 0.15), (0.75, 0.2), (1.0, 1.0), (-1, -math.inf), (2, math.inf), (math.nan, math.nan)],
)
def test_quantiles_interpolate_linearly_within_a_bucket(q: float, expected: float) -> None:
    result, repairs = quantiles(np.array([q]), BOUNDS, counts(1, 3, 3, 4))
    np.testing.assert_allclose(result, expected)
    assert not repairs.forced.any()


def test_a_quantile_above_the_last_bound_is_that_bound() -> None:
    assert quantiles(np.array([0.99]), BOUNDS, counts(0, 0, 1, 4))[0] == 1.0


def test_without_a_bucket_for_everything_there_is_no_quantile() -> None:
    assert np.isnan(quantiles(np.array([0.5]), BOUNDS[:3], counts(1, 2, 3))[0])
    assert np.isnan(quantiles(np.array([0.5]), BOUNDS, counts(0, 0, 0, 0))[0])


def test_falling_counts_are_lifted_and_reported() -> None:
    result, repairs = quantiles(np.array([0.5]), BOUNDS, counts(2, 1, 4, 3))
    assert repairs.forced.tolist() == [True]
    assert (repairs.lowest_bound[0], repairs.highest_bound[0], repairs.largest_fall[0]) == (0.2, math.inf, 1)
    np.testing.assert_allclose(result, quantiles(np.array([0.5]), BOUNDS, counts(2, 2, 4, 4))[0])


def test_rounding_errors_are_levelled_without_a_word() -> None:
    _, repairs = quantiles(np.array([0.5]), BOUNDS, counts(1e6, 1e6 * (1 - 1e-14), 2e6, 2e6))
    assert not repairs.forced.any()


@pytest.mark.parametrize(
    ("lower", "upper", "expected"),
    [(0, 0.2, 0.75), (0.1, 0.2, 0.5), (-math.inf, 0.15, 0.5), (0, math.inf, 1.0), (1, 5, 0.0), (2, 1, 0.0)],
)
def test_fractions_interpolate_linearly(lower: float, upper: float, expected: float) -> None:
    result = fractions(np.array([lower]), np.array([upper]), BOUNDS, counts(1, 3, 3, 4))
    np.testing.assert_allclose(result, expected)


def test_many_histograms_are_computed_at_once_as_one_by_one() -> None:
    random = np.random.default_rng(1)
    table = np.cumsum(random.integers(0, 5, (4, 50)), axis=0).astype(np.float64)
    q = random.random(50)
    together = quantiles(q, BOUNDS, table)[0]
    alone = [quantiles(q[[place]], BOUNDS, table[:, [place]])[0][0] for place in range(50)]
    np.testing.assert_array_equal(together, alone)
