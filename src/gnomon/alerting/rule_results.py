"""What a rule is given to work with: the answers of queries."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gnomon.model.errors import GnomonError
from gnomon.model.labels import Labels
from gnomon.model.native_histograms import NativeHistogram

Value = float | NativeHistogram


@dataclass(frozen=True, slots=True)
class Result:
    """One element of a vector."""

    labels: Labels
    value: Value


Query = Callable[[str, int], Awaitable[list[Result]]]
"""Evaluate an expression at a time (Unix milliseconds); a scalar is one result without labels.

Raises GnomonError where the query fails, or yields neither a vector nor a scalar.
"""


class RuleError(GnomonError):
    """Tell why a rule has no results, in Prometheus' words."""
