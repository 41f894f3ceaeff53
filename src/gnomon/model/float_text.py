"""Floats as text, the way Prometheus writes them."""

import math
from decimal import Decimal

_SMALLEST_EXPONENT = -4
_LARGEST_EXPONENT = 6
_SMALLEST_PLAIN, _LARGEST_PLAIN = 1e-6, 1e21


def format_general(value: float) -> str:
    """Return the shortest text that reads back as the same float, `1e+06` from a million on: Go's %g, in messages."""
    if not math.isfinite(value):
        return _format_special(value)
    sign, digits, exponent = Decimal(repr(float(value))).as_tuple()
    mantissa = "".join(map(str, digits)).rstrip("0") or "0"
    power = len(digits) + int(exponent) - 1 if mantissa != "0" else 0
    if _SMALLEST_EXPONENT <= power < _LARGEST_EXPONENT:
        return format_plain(value)
    fraction = f".{mantissa[1:]}" if len(mantissa) > 1 else ""
    return f"{'-' if sign else ''}{mantissa[0]}{fraction}e{'-' if power < 0 else '+'}{abs(power):02d}"


def format_api(value: float) -> str:
    """Return the shortest text that reads back as the same float, with an exponent only where it is far from 1.

    That is how values stand in the HTTP API: `1e-07` and `1e+21`, but `100000000000000000000`.
    """
    if not math.isfinite(value):
        return _format_special(value)
    if value == 0 or _SMALLEST_PLAIN <= abs(value) < _LARGEST_PLAIN:
        return format_plain(value)
    return repr(float(value))


def format_exponent(value: float) -> str:
    """Return the shortest text that reads back as the same float, always with an exponent: Go's %e without digits."""
    if not math.isfinite(value):
        return _format_special(value)
    return next(text for digits in range(17) if float(text := f"{value:.{digits}e}") == value)


def format_plain(value: float) -> str:
    """Return the shortest text that reads back as the same float, without an exponent."""
    if not math.isfinite(value):
        return _format_special(value)
    text = repr(float(value))
    if "e" in text:
        text = format(Decimal(text), "f")
    return text.removesuffix(".0")


def _format_special(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "+Inf" if value > 0 else "-Inf"
