"""What takes up the room for series: which metrics, which labels, which of their values."""

from dataclasses import dataclass

from gnomon.model.labels import Labels


@dataclass(frozen=True, slots=True)
class Counted:
    """A name with how often it is there."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class RefusedSeries:
    """New series that a limit kept out: of which metric, and how many samples they had.

    `limit` is the number of active series that was reached; `label` has the most values among the metric's series and
    is most likely what makes them so many; `example` are the labels of one refused series. The time is in Unix
    nanoseconds.
    """

    metric: str
    samples: int
    last_ns: int
    limit: int
    example: Labels
    label: str = ""
    label_values: int = 0


@dataclass(frozen=True, slots=True)
class Cardinality:
    """How many series there are, and what makes them so many; each list holds the largest first."""

    series: int
    active_series: int
    series_limit: int
    metric_limit: int
    label_pairs: int
    series_by_metric: tuple[Counted, ...]
    values_by_label: tuple[Counted, ...]
    bytes_by_label: tuple[Counted, ...]
    series_by_pair: tuple[Counted, ...]
    refused: tuple[RefusedSeries, ...]


@dataclass(frozen=True, slots=True)
class MetricLabels:
    """What a metric's labels look like: series, and the number of values of each label, the largest first."""

    metric: str
    series: int
    values_by_label: tuple[Counted, ...]
    refused: RefusedSeries | None = None
