"""Budgets, burn rates and forecasts, against sums made by hand and a plain loop."""

from collections.abc import Sequence

import numpy as np
import pytest

from gnomon.slo.error_budgets import Counts, attained, budget_left, burn_rate, forecast

STEP_MS = 300_000
END_MS = 1_790_000_100_000


def counts(good: Sequence[float], total: Sequence[float]) -> Counts:
    return Counts(np.array(good, dtype=float), np.array(total, dtype=float), END_MS, STEP_MS)


def test_figures_of_ten_thousand_events() -> None:
    of = counts([4990, 4995], [5000, 5000])

    assert attained(of) == pytest.approx(0.9985)
    assert burn_rate(of, 0.999) == pytest.approx(1.5)
    assert budget_left(of, 0.999) == pytest.approx(-0.5)


def test_nothing_is_told_of_no_events() -> None:
    of = counts([0, 0], [0, 0])

    assert (attained(of), burn_rate(of, 0.99), budget_left(of, 0.99)) == (None, None, None)
    assert forecast(of, 0.99, 2 * STEP_MS, 9 * STEP_MS, rolling=True).at_ms is None


def test_a_slice_without_events_is_neither_good_nor_bad() -> None:
    slices = counts([9, 0, 5], [10, 0, 10]).by_slices(0.9)

    assert (list(slices.good), list(slices.total)) == ([1, 0, 0], [1, 0, 1])


@pytest.mark.parametrize("rolling", [True, False])
def test_a_forecast_is_that_of_a_loop_that_goes_on_step_by_step(*, rolling: bool) -> None:
    random = np.random.default_rng(6)
    total = random.integers(80, 120, 288)
    bad = np.concatenate((random.binomial(total[:240], 0.002), random.binomial(total[240:], 0.05)))
    of = counts(list(total - bad), list(total))
    found = forecast(of, 0.98, 48 * STEP_MS, 288 * STEP_MS, rolling=rolling)

    rate_total, rate_bad = total[240:].mean(), bad[240:].mean()
    totals, bads, gone_at = [float(x) for x in total], [float(x) for x in bad], None
    for step in range(1, 289):
        totals.append(rate_total)
        bads.append(rate_bad)
        if rolling:
            totals.pop(0)
            bads.pop(0)
        if sum(bads) > 0.02 * sum(totals):
            gone_at = END_MS + step * STEP_MS
            break

    assert gone_at is not None
    assert found.at_ms == gone_at
    assert found.measured
    assert found.earliest_ms is not None
    assert found.latest_ms is not None
    assert found.earliest_ms < gone_at < found.latest_ms


def test_a_steady_rate_at_what_is_allowed_never_spends_a_budget() -> None:
    of = counts([99] * 100, [100] * 100)

    assert forecast(of, 0.99, 20 * STEP_MS, 100 * STEP_MS, rolling=True).at_ms is None


def test_an_even_rate_has_no_spread_and_a_budget_that_is_gone_is_gone_now() -> None:
    even = forecast(counts([100] * 88 + [90] * 12, [100] * 100), 0.98, 12 * STEP_MS, 100 * STEP_MS, rolling=False)
    gone = forecast(counts([50] * 100, [100] * 100), 0.98, 12 * STEP_MS, 100 * STEP_MS, rolling=True)

    # 120 of 200 errors so far; each step brings 10 and allows 2 more: gone after the first above 10.
    assert even.at_ms == END_MS + 11 * STEP_MS
    assert (even.earliest_ms, even.latest_ms) == (even.at_ms, even.at_ms)
    assert gone.at_ms == END_MS


def test_too_few_parts_give_a_time_without_an_interval() -> None:
    found = forecast(counts([100] * 50 + [60], [100] * 51), 0.98, 2 * STEP_MS, 50 * STEP_MS, rolling=False)

    assert found.at_ms is not None
    assert (found.measured, found.earliest_ms, found.latest_ms) == (False, None, None)
