"""Bands in which an expression is expected to stay, as PromQL: anybody can draw what the alert compares with.

After the adaptive and the robust rules of Grafana's promql-anomaly-detection: a smoothed centre, and a width by how
much the values have spread lately. The robust band takes medians and quartiles, which a few outliers do not move.
"""

from dataclasses import dataclass
from enum import StrEnum


class Band(StrEnum):
    """How a band is computed."""

    ADAPTIVE = "adaptive"
    ROBUST = "robust"


@dataclass(frozen=True, slots=True)
class AnomalyBand:
    """The two edges of a band and the alert's condition, all PromQL."""

    lower: str
    upper: str
    condition: str


# The middle half of normally distributed values is this many standard deviations wide.
_QUARTILES = 1.349
# A band is at least this share of its centre wide to each side: what hardly ever moves would alert about nothing.
_LEAST_SHARE = 0.02


def make_band(
    expression: str, band: Band, *, sensitivity: float, window: str, smoothing: str, step: str
) -> AnomalyBand:
    """Return the band around an expression: `sensitivity` deviations wide to each side.

    Spread is judged over `window`, the centre over `smoothing`, both looked at every `step` (Prometheus durations).
    """
    inner = f"({expression})"
    if band is Band.ADAPTIVE:
        centre = f"avg_over_time({inner}[{smoothing}:{step}])"
        spread = f"stddev_over_time({inner}[{window}:{step}])"
    else:
        centre = f"quantile_over_time(0.5, {inner}[{window}:{step}])"
        upper, lower = (f"quantile_over_time({share}, {inner}[{window}:{step}])" for share in (0.75, 0.25))
        spread = f"(({upper} - {lower}) / {_QUARTILES})"
    width = f"({sensitivity:g} * {spread} + {_LEAST_SHARE:g} * abs({centre}))"
    edges = f"({centre} - {width})", f"({centre} + {width})"
    return AnomalyBand(*edges, condition=f"({inner} > {edges[1]}) or ({inner} < {edges[0]})")
