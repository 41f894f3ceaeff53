"""Numbers as exposition formats write them."""

import math
from collections.abc import Sequence
from functools import lru_cache

import orjson

from gnomon.ingest.exposition.errors import ExpositionError
from gnomon.ingest.exposition.samples import to_values
from gnomon.model.float_text import format_general
from gnomon.model.series import Floats

_NAN_LETTERS = 3


def parse_floats(texts: Sequence[bytes]) -> Floats:
    """Return many numbers at once; raises ExpositionError for the first that is none."""
    joined = b",".join(texts)
    try:
        if b"\r" in joined:
            raise ValueError  # noqa: TRY301 - a blank to JSON, a mistake here
        # Reading them as one JSON array takes half the time; NaN, infinities and odd spellings are not JSON.
        numbers = orjson.loads(b"[%b]" % joined)
        if len(numbers) == len(texts):
            return to_values(numbers)
    except (orjson.JSONDecodeError, TypeError, ValueError, OverflowError):
        pass
    return to_values([parse_float(text) for text in texts])


def parse_float(text: bytes) -> float:
    """Return a number as Prometheus reads it; raises ExpositionError.

    Python's own reading takes `1_000`, `+nan` and surrounding blanks besides.
    """
    try:
        number = float(text)
    except ValueError as error:
        raise ExpositionError(f"{text!r} is no number") from error
    signed_nan = math.isnan(number) and len(text) > _NAN_LETTERS
    too_large = math.isinf(number) and b"n" not in text.lower()
    if b"_" in text or text != text.strip() or signed_nan or too_large:
        raise ExpositionError(f"{text!r} is no number")
    return number


@lru_cache(maxsize=4096)
def format_float(value: float) -> str:
    """Return a number as OpenMetrics writes it in `le` and `quantile`: `1.0`, `0.005`, `1e+06`, `+Inf`."""
    text = format_general(value)
    return text if not math.isfinite(value) or "e" in text or "." in text else f"{text}.0"


def normalize_float(text: str) -> str:
    """Return the one spelling that `le` and `quantile` have in the store (`1` becomes `1.0`), as in Prometheus 3."""
    try:
        return format_float(parse_float(text.encode()))
    except ExpositionError:
        return text
