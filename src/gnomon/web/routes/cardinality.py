"""`/api/cardinality`: which metrics and which labels make the series many, and which series were refused."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from gnomon.model.cardinality import Counted, RefusedSeries
from gnomon.web.services import ServicesDep

router = APIRouter(prefix="/api/cardinality", tags=["metrics"])


class CountedName(BaseModel):
    """Count something under a name."""

    name: str
    count: int

    @classmethod
    def of(cls, counted: tuple[Counted, ...]) -> "list[CountedName]":
        """Return counts as the API shows them."""
        return [cls(name=one.name, count=one.count) for one in counted]


class RefusedSeriesResponse(BaseModel):
    """Tell of new series that a limit kept out; `label` has the most values and most likely makes them so many.

    `limit` is the number of active series that was reached; an empty `metric` stands for all metrics together.
    `samples` counts since the server started.
    """

    metric: str
    samples: int
    last_ms: int
    limit: int
    label: str
    label_values: int
    example: dict[str, str]

    @classmethod
    def of(cls, refused: RefusedSeries) -> "RefusedSeriesResponse":
        """Return a refusal as the API shows it."""
        return cls(
            metric=refused.metric,
            samples=refused.samples,
            last_ms=refused.last_ns // 1_000_000,
            limit=refused.limit,
            label=refused.label,
            label_values=refused.label_values,
            example=refused.example.to_dict(),
        )


class CardinalityResponse(BaseModel):
    """Tell how many series there are and what makes them so many, the largest of each kind first.

    Active series had samples today or yesterday; the limits are on these.
    """

    series: int
    active_series: int
    series_limit: int
    metric_limit: int
    label_pairs: int
    series_by_metric: list[CountedName]
    values_by_label: list[CountedName]
    bytes_by_label: list[CountedName]
    series_by_pair: list[CountedName]
    refused: list[RefusedSeriesResponse]


class MetricLabelsResponse(BaseModel):
    """Tell how many values each label of a metric has, the most first."""

    metric: str
    series: int
    values_by_label: list[CountedName]
    refused: RefusedSeriesResponse | None


@router.get("", summary="Show what takes up the room for series")
async def get_cardinality(
    services: ServicesDep,
    limit: Annotated[int, Query(ge=1, le=10_000, description="Most entries of each list.")] = 50,
) -> CardinalityResponse:
    """Return the metrics with the most series, the labels with the most values, and what limits refused."""
    found = await services.metrics.cardinality(limit)
    return CardinalityResponse(
        series=found.series,
        active_series=found.active_series,
        series_limit=found.series_limit,
        metric_limit=found.metric_limit,
        label_pairs=found.label_pairs,
        series_by_metric=CountedName.of(found.series_by_metric),
        values_by_label=CountedName.of(found.values_by_label),
        bytes_by_label=CountedName.of(found.bytes_by_label),
        series_by_pair=CountedName.of(found.series_by_pair),
        refused=[RefusedSeriesResponse.of(one) for one in found.refused],
    )


@router.get("/{metric:path}", summary="Show the labels of a metric")
async def get_metric_labels(
    services: ServicesDep, metric: Annotated[str, Path(description="The metric's name.")]
) -> MetricLabelsResponse:
    """Return how many series a metric has, and how many values each of its labels."""
    found = await services.metrics.metric_labels(metric)
    return MetricLabelsResponse(
        metric=found.metric,
        series=found.series,
        values_by_label=CountedName.of(found.values_by_label),
        refused=RefusedSeriesResponse.of(found.refused) if found.refused else None,
    )
