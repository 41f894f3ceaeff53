"""Sums and means that lose nothing to rounding, over many windows or groups at once (Neumaier's variant of Kahan's)."""

from collections.abc import Iterator

import numpy as np

from gnomon.model.series import Floats, Integers, Mask


def add_compensated(value: Floats, total: Floats, rest: Floats) -> tuple[Floats, Floats]:
    """Return the total with a value added, and what rounding took from it so far; the rest is 0 from an overflow on."""
    new = total + value
    larger = np.abs(total) >= np.abs(value)
    lost = np.where(larger, (total - new) + value, (value - new) + total)
    return new, np.where(np.isinf(new), 0.0, rest + lost)


def two_sum(one: Floats, two: Floats) -> tuple[Floats, Floats]:
    """Return a sum and what rounding took from it."""
    total = one + two
    back = total - one
    lost = (one - (total - back)) + (two - back)
    return total, lost


def walk(first: Integers, counts: Integers) -> Iterator[tuple[int, Integers, Integers]]:
    """Walk through many windows side by side: yield a sample's number, which windows have it, and where it is."""
    order = np.argsort(-counts, kind="stable")
    remaining = counts[order]
    starts = first[order]
    active = len(order)
    for number in range(int(counts.max(initial=0))):
        active = int(np.searchsorted(-remaining[:active], -number, side="left"))
        yield number, order[:active], starts[:active] + number


def sums(values: Floats, first: Integers, counts: Integers) -> Floats:
    """Return the sum of each window."""
    total, rest = np.zeros(len(first)), np.zeros(len(first))
    with np.errstate(all="ignore"):
        for _, places, samples in walk(first, counts):
            total[places], rest[places] = add_compensated(values[samples], total[places], rest[places])
        return np.where(np.isinf(total), total, total + rest)


def means(values: Floats, first: Integers, counts: Integers) -> Floats:
    """Return the mean of each window, also where the sum overflows."""
    size = len(first)
    total, rest, mean = np.zeros(size), np.zeros(size), np.zeros(size)
    stepwise: Mask = np.zeros(size, dtype=np.bool_)
    with np.errstate(all="ignore"):
        for number, places, samples in walk(first, counts):
            value = values[samples]
            if number == 0:
                total[places] = value
                continue
            new_total, new_rest = add_compensated(value, total[places], rest[places])
            overflows = ~stepwise[places] & np.isinf(new_total)
            starting = places[overflows]
            mean[starting] = total[starting] / number
            rest[starting] /= number
            stepwise[starting] = True
            slow = stepwise[places]
            plain = places[~slow]
            total[plain], rest[plain] = new_total[~slow], new_rest[~slow]
            if slow.any():
                count = float(number + 1)
                kept = number / count
                late = places[slow]
                mean[late], rest[late] = add_compensated(value[slow] / count, kept * mean[late], kept * rest[late])
        return np.where(stepwise, mean + rest, total / counts + rest / counts)
