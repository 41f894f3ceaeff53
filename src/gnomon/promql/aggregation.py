"""Aggregations over the rows of a vector, all groups and steps at once."""

from collections.abc import Callable

import numpy as np

from gnomon.model.series import Floats, Integers, Mask
from gnomon.promql import compensated
from gnomon.promql.quantiles import interpolate_columns

Result = tuple[Floats, Mask]


class GroupedRows:
    """Rows in order of their groups, and within each in their own order; what a group lacks at a step is known."""

    __slots__ = ("counts", "order", "present", "sizes", "starts", "values")

    def __init__(self, values: Floats, present: Mask, codes: Integers, groups: int) -> None:
        """Sort rows by group; every group has a row at least."""
        self.sizes = np.bincount(codes, minlength=groups)
        self.starts = np.concatenate(([0], np.cumsum(self.sizes)[:-1])) if groups else np.empty(0, np.int64)
        ordered = bool((codes[1:] >= codes[:-1]).all())
        self.order = np.arange(len(codes)) if ordered else np.argsort(codes, kind="stable")
        self.values = values if ordered else values[self.order]
        self.present: Mask | None = present if ordered else present[self.order]
        steps = values.shape[1]
        if present.all():
            self.present = None
            self.counts = np.broadcast_to(self.sizes[:, None], (groups, steps))
        else:
            self.counts = _add_up(self.present, self.starts, steps)

    def filled(self, absent: float) -> Floats:
        """Return the values, with something in place of those that are not there."""
        return self.values if self.present is None else np.where(self.present, self.values, absent)

    def spread(self, per_group: Floats) -> Floats:
        """Return each row's group's value."""
        return np.repeat(per_group, self.sizes, axis=0)

    def reduce(self, values: Floats, combine: Callable[[Floats, Floats], Floats]) -> Floats:
        """Combine the rows of each group, neighbours first."""
        for firsts, seconds, singles, shape in _pairs(self.sizes):
            folded = np.empty((shape, values.shape[1]), dtype=values.dtype)
            folded[singles[1]] = values[singles[0]]
            folded[seconds[1]] = combine(values[firsts], values[seconds[0]])
            values = folded
        return values

    def sums(self, values: Floats) -> tuple[Floats, Floats]:
        """Return each group's sum, and what rounding took from it."""
        rest: Floats | None = None
        for firsts, seconds, singles, shape in _pairs(self.sizes):
            total, lost = compensated.two_sum(values[firsts], values[seconds[0]])
            lost[~np.isfinite(lost)] = 0
            folded, folded_rest = np.empty((shape, values.shape[1])), np.zeros((shape, values.shape[1]))
            folded[singles[1]], folded[seconds[1]] = values[singles[0]], total
            folded_rest[seconds[1]] = lost
            if rest is not None:
                folded_rest[singles[1]] = rest[singles[0]]
                folded_rest[seconds[1]] += rest[firsts] + rest[seconds[0]]
            values, rest = folded, folded_rest
        return values, np.zeros(values.shape) if rest is None else rest


def _pairs(sizes: Integers) -> "list[tuple[Integers, tuple[Integers, Integers], tuple[Integers, Integers], int]]":
    """Return, level by level, which rows are combined, where the result goes, and which rows stay alone."""
    levels = []
    while int(sizes.max(initial=0)) > 1:
        starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
        halves = (sizes + 1) // 2
        new_starts = np.concatenate(([0], np.cumsum(halves)[:-1]))
        pairs = sizes // 2
        within = np.arange(int(pairs.sum())) - np.repeat(np.cumsum(pairs) - pairs, pairs)
        firsts = np.repeat(starts, pairs) + 2 * within
        targets = np.repeat(new_starts, pairs) + within
        odd = sizes % 2 == 1
        levels.append(
            (
                firsts,
                (firsts + 1, targets),
                ((starts + sizes - 1)[odd], (new_starts + halves - 1)[odd]),
                int(halves.sum()),
            )
        )
        sizes = halves
    return levels


def _add_up(present: Mask | None, starts: Integers, steps: int) -> Integers:
    if present is None or not len(starts):
        return np.zeros((len(starts), steps), dtype=np.int64)
    return np.add.reduceat(present, starts, axis=0, dtype=np.int64)


def aggregate(operator: str, values: Floats, present: Mask, codes: Integers, groups: int) -> Result:
    """Aggregate floats; `operator` is sum, avg, min, max, count, group, stddev or stdvar."""
    rows = GroupedRows(values, present, codes, groups)
    there = rows.counts > 0
    with np.errstate(all="ignore"):
        return _OPERATORS[operator](rows), there


def _sum(rows: GroupedRows) -> Floats:
    values = rows.filled(0.0)
    total, rest = rows.sums(values)
    result: Floats = np.where(np.isinf(total), total, total + rest)
    _mend(rows, result, total, compensated.sums)
    return result


def _avg(rows: GroupedRows) -> Floats:
    total, rest = rows.sums(rows.filled(0.0))
    result: Floats = total / rows.counts + rest / rows.counts
    _mend(rows, result, total, compensated.means)
    return result


def _mend(
    rows: GroupedRows, result: Floats, total: Floats, exactly: Callable[[Floats, Integers, Integers], Floats]
) -> None:
    """Compute anew, in the order of the rows, where a sum of finite values has overflown."""
    cells = ~np.isfinite(total)
    if not cells.any():
        return
    cells &= rows.reduce(np.isfinite(rows.filled(0.0)), np.logical_and)
    for group in np.flatnonzero(cells.any(axis=1)):
        part = slice(rows.starts[group], rows.starts[group] + rows.sizes[group])
        for step in np.flatnonzero(cells[group]):
            column = rows.values[part, step]
            if rows.present is not None:
                column = column[rows.present[part, step]]
            result[group, step] = exactly(column, np.array([0]), np.array([len(column)]))[0] if len(column) else 0.0


def _min(rows: GroupedRows) -> Floats:
    return rows.reduce(rows.filled(np.nan), np.fmin)


def _max(rows: GroupedRows) -> Floats:
    return rows.reduce(rows.filled(np.nan), np.fmax)


def _count(rows: GroupedRows) -> Floats:
    return rows.counts.astype(np.float64)


def _group(rows: GroupedRows) -> Floats:
    return np.ones(rows.counts.shape)


def _stdvar(rows: GroupedRows) -> Floats:
    values = rows.filled(0.0)
    mean = _plain_mean(rows, values)
    # The mean of the distances from the mean is what rounding has left out of it.
    distances = _clear_absent(rows, values - rows.spread(mean))
    mean += _plain_mean(rows, distances)
    distances = _clear_absent(rows, values - rows.spread(mean))
    return _plain_mean(rows, distances * distances)


def _plain_mean(rows: GroupedRows, values: Floats) -> Floats:
    total, rest = rows.sums(values)
    return np.asarray((total + rest) / rows.counts)


def _clear_absent(rows: GroupedRows, values: Floats) -> Floats:
    return values if rows.present is None else np.where(rows.present, values, 0.0)


def _stddev(rows: GroupedRows) -> Floats:
    return np.asarray(np.sqrt(_stdvar(rows)))


_OPERATORS: dict[str, Callable[[GroupedRows], Floats]] = {
    "avg": _avg,
    "count": _count,
    "group": _group,
    "max": _max,
    "min": _min,
    "stddev": _stddev,
    "stdvar": _stdvar,
    "sum": _sum,
}


def quantile(quantiles: Floats, values: Floats, present: Mask, codes: Integers, groups: int) -> Result:
    """Return each group's quantile at every step; `quantiles` has one column a step."""
    rows = GroupedRows(values, present, codes, groups)
    filled = rows.filled(np.nan)
    result = np.zeros((groups, values.shape[1]))
    for group in range(groups):
        part = slice(int(rows.starts[group]), int(rows.starts[group] + rows.sizes[group]))
        result[group] = interpolate_columns(quantiles, np.sort(filled[part], axis=0), rows.counts[group])
    return result, rows.counts > 0


def choose_extremes(
    limits: Integers, values: Floats, present: Mask, codes: Integers, groups: int, *, greatest: bool
) -> Mask:
    """Tell which cells are among the greatest (or least) of their group; of equals, the first rows; NaN comes last."""
    chosen = np.zeros(present.shape, dtype=np.bool_)
    keys = np.where(present, -values if greatest else values, np.nan)
    for group in range(groups):
        rows = np.flatnonzero(codes == group) if groups > 1 else np.arange(len(codes))
        there = present[rows]
        if bool((limits >= len(rows)).all()):
            chosen[rows] = there
        elif limits.min(initial=0) == limits.max(initial=0) > 0:
            chosen[rows] = _choose_least(keys[rows], there, int(limits[0]))
        else:
            chosen[rows] = there & (_rank(keys[rows], there) < limits)
    return chosen


def _choose_least(keys: Floats, present: Mask, limit: int) -> Mask:
    """Tell which cells are among so many least of their column."""
    last = np.partition(keys, limit - 1, axis=0)[limit - 1]
    less = keys < last
    equal = keys == last
    chosen: Mask = less | (equal & (np.cumsum(equal, axis=0) <= limit - less.sum(axis=0)))
    # Where there are fewer numbers than that, all of them count, and some NaN.
    scarce = np.isnan(last)
    if scarce.any():
        part = present[:, scarce]
        chosen[:, scarce] = part & (_rank(keys[:, scarce], part) < limit)
    return chosen


def _rank(keys: Floats, present: Mask) -> Integers:
    """Return the place of each cell in its column: numbers first, then NaN, then what is not there."""
    ranks = np.empty(keys.shape, dtype=np.int64)
    np.put_along_axis(ranks, np.lexsort((~present, keys), axis=0), np.arange(len(keys))[:, None], axis=0)
    return ranks


def choose_first(limits: Integers, present: Mask, codes: Integers, groups: int) -> Mask:
    """Tell which cells are among the first of their group."""
    chosen = np.zeros(present.shape, dtype=np.bool_)
    for group in range(groups):
        rows = np.flatnonzero(codes == group)
        there = present[rows]
        chosen[rows] = there & (np.cumsum(there, axis=0) <= limits)
    return chosen
