"""Functions that look at one float at a time."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from gnomon.model.series import Floats

_MONTHS_A_YEAR = 12


def round_to(values: Floats, nearest: Floats) -> Floats:
    """Return the nearest multiples, ties upwards."""
    inverse = 1.0 / nearest
    result: Floats = np.floor(values * inverse + 0.5) / inverse
    return result


def clamp(values: Floats, least: Floats, greatest: Floats) -> Floats:
    """Return values within bounds; a bound that is NaN makes everything NaN but infinities."""
    return greater(least, lesser(greatest, values))


def lesser(one: Floats, two: Floats) -> Floats:
    """Return the lesser of two; NaN where one is NaN, unless the other is -Inf, which is less than anything."""
    return np.where(np.isneginf(one) | np.isneginf(two), -np.inf, np.minimum(one, two))


def greater(one: Floats, two: Floats) -> Floats:
    """Return the greater of two; NaN where one is NaN, unless the other is +Inf, which is greater than anything."""
    return np.where(np.isposinf(one) | np.isposinf(two), np.inf, np.maximum(one, two))


def _sign(values: Floats) -> Floats:
    result: Floats = np.where(values < 0, -1.0, np.where(values > 0, 1.0, values))
    return result


def _days(values: Floats) -> "np.ndarray[tuple[int, ...], np.dtype[np.datetime64]]":
    return _moments(values).astype("datetime64[D]")


def _moments(values: Floats) -> "np.ndarray[tuple[int, ...], np.dtype[np.datetime64]]":
    return np.trunc(values).astype(np.int64).astype("datetime64[s]")


def _day_of_month(values: Floats) -> Floats:
    days = _days(values)
    return np.asarray((days - days.astype("datetime64[M]")).astype(np.float64) + 1)


def _day_of_week(values: Floats) -> Floats:
    # The first of January 1970 was a Thursday.
    return np.mod(_days(values).astype(np.int64) + 4, 7).astype(np.float64)


def _day_of_year(values: Floats) -> Floats:
    days = _days(values)
    return np.asarray((days - days.astype("datetime64[Y]")).astype(np.float64) + 1)


def _days_in_month(values: Floats) -> Floats:
    months = _days(values).astype("datetime64[M]")
    days: Floats = ((months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")).astype(np.float64)
    return days


def _hour(values: Floats) -> Floats:
    return np.mod(np.trunc(values).astype(np.int64) // 3600, 24).astype(np.float64)


def _minute(values: Floats) -> Floats:
    return np.mod(np.trunc(values).astype(np.int64) // 60, 60).astype(np.float64)


def _month(values: Floats) -> Floats:
    return np.mod(_days(values).astype("datetime64[M]").astype(np.int64), _MONTHS_A_YEAR).astype(np.float64) + 1


def _year(values: Floats) -> Floats:
    return _days(values).astype("datetime64[Y]").astype(np.float64) + 1970


CALENDAR: Mapping[str, Callable[[Floats], Floats]] = MappingProxyType(
    {
        "day_of_month": _day_of_month,
        "day_of_week": _day_of_week,
        "day_of_year": _day_of_year,
        "days_in_month": _days_in_month,
        "hour": _hour,
        "minute": _minute,
        "month": _month,
        "year": _year,
    }
)
"""Of seconds since 1970, in UTC; without an argument, of the time of evaluation."""

ELEMENTWISE: Mapping[str, Callable[[Floats], Floats]] = MappingProxyType(
    {
        "abs": np.abs,
        "acos": np.arccos,
        "acosh": np.arccosh,
        "asin": np.arcsin,
        "asinh": np.arcsinh,
        "atan": np.arctan,
        "atanh": np.arctanh,
        "ceil": np.ceil,
        "cos": np.cos,
        "cosh": np.cosh,
        "deg": lambda values: values * 180 / np.pi,
        "exp": np.exp,
        "floor": np.floor,
        "ln": np.log,
        "log10": np.log10,
        "log2": np.log2,
        "rad": lambda values: values * np.pi / 180,
        "sgn": _sign,
        "sin": np.sin,
        "sinh": np.sinh,
        "sqrt": np.sqrt,
        "tan": np.tan,
        "tanh": np.tanh,
        **CALENDAR,
    }
)
"""Functions of one instant vector of floats."""
