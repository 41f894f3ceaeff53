"""Quantiles of plain samples."""

import numpy as np

from gnomon.model.series import Floats, Integers


def interpolate_sorted(quantiles: Floats, table: Floats) -> Floats:
    """Return a quantile of each row; rows are sorted as numpy does, though NaN counts as less than any number.

    A quantile below 0 is -Inf, above 1 +Inf; NaN stays NaN.
    """
    count = table.shape[1]
    with np.errstate(all="ignore"):
        rank = np.clip(np.nan_to_num(quantiles), 0, 1) * (count - 1)
        lower = np.floor(rank).astype(np.int64)
        upper = np.minimum(count - 1, lower + 1)
        weight = rank - lower
        unordered = np.isnan(table).sum(axis=1)
        result = _at(table, lower, unordered) * (1 - weight) + _at(table, upper, unordered) * weight
        result = np.where(quantiles < 0, -np.inf, np.where(quantiles > 1, np.inf, result))
    return np.where(np.isnan(quantiles), np.nan, result)


def _at(table: Floats, places: Integers, unordered: Integers) -> Floats:
    """Return what would stand at a place if the NaNs, which numpy sorts last, stood first."""
    found = table[np.arange(len(table)), np.maximum(places - unordered, 0)]
    return np.where(places < unordered, np.nan, found)


def interpolate_columns(quantiles: Floats, table: Floats, counts: Integers) -> Floats:
    """Return a quantile of each column, of which so many values are there; what is not there stands as NaN, at the end.

    Columns are sorted as numpy does; a NaN that is there counts as less than any number.
    """
    with np.errstate(all="ignore"):
        rank = np.clip(np.nan_to_num(quantiles), 0, 1) * (counts - 1)
        lower = np.maximum(np.floor(rank), 0).astype(np.int64)
        upper = np.maximum(np.minimum(counts - 1, lower + 1), 0)
        weight = rank - np.floor(rank)
        unordered = np.isnan(table).sum(axis=0) - (len(table) - counts)
        columns = np.arange(table.shape[1])
        low = np.where(lower < unordered, np.nan, table[np.maximum(lower - unordered, 0), columns])
        high = np.where(upper < unordered, np.nan, table[np.maximum(upper - unordered, 0), columns])
        result = low * (1 - weight) + high * weight
        result = np.where(quantiles < 0, -np.inf, np.where(quantiles > 1, np.inf, result))
    return np.where(np.isnan(quantiles), np.nan, result)
