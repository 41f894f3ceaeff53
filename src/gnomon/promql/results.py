"""Answers to queries."""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from gnomon.model.labels import Labels
from gnomon.model.series import Floats, Integers, Mask, Objects, Samples


class ResultKind(StrEnum):
    """What an answer is, by Prometheus' names."""

    SCALAR = "scalar"
    STRING = "string"
    VECTOR = "vector"
    MATRIX = "matrix"


@dataclass(frozen=True, slots=True)
class QueryStatistics:
    """What a query took: series and samples (or values computed by the store) that were read, and seconds.

    `resolution_ms` tells that old samples were put together, by so much at most (0: all are as they came).
    """

    series: int = 0
    samples: int = 0
    fetch_s: float = 0.0
    compute_s: float = 0.0
    resolution_ms: int = 0


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The answer to a query.

    A vector has one column, a matrix one for each of `times_ms`; `values` (and `histograms`, where they are not None)
    count where `present`. Each row has a value at least. A scalar is the only value. The answer of a range selector to
    an instant query is in `samples` instead, and a string in `text`.
    """

    kind: ResultKind
    times_ms: Integers
    labels: tuple[Labels, ...] = ()
    values: Floats = field(default_factory=lambda: np.empty((0, 0)))
    present: Mask = field(default_factory=lambda: np.empty((0, 0), dtype=np.bool_))
    histograms: Objects | None = None
    samples: Samples | None = None
    text: str = ""
    warnings: list[str] = field(default_factory=list)
    infos: list[str] = field(default_factory=list)
    statistics: QueryStatistics = field(default_factory=QueryStatistics)

    def __len__(self) -> int:
        """Return the number of series."""
        return len(self.labels)
