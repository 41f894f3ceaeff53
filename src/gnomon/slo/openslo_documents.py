"""OpenSLO v1 as it is written: the kinds that Gnomon reads, and which values they take."""

from datetime import datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (OSError, ValueError) as error:
        raise ValueError("there is no such time zone; write a name such as Europe/Berlin or UTC") from error
    return name


def _wall_clock(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return datetime.strptime(value, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - the zone is written beside
    except ValueError as error:
        raise ValueError("write it as 2026-01-31 00:00:00; the zone goes into timeZone") from error


def _policies(value: object) -> object:
    """Return references also where they are written as names alone, as before version 1."""
    if not isinstance(value, list):
        return value
    return [{"alertPolicyRef": item} if isinstance(item, str) else item for item in value]


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$")]
Duration = Annotated[str, Field(pattern=r"^[1-9][0-9]*[mhdwMQY]$")]
Share = Annotated[float, Field(gt=0, lt=1)]
OperatorName = Literal["lte", "lt", "gte", "gt"]


class Written(BaseModel):
    """Refuse what OpenSLO does not know, and values of another type."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Metadata(Written):
    """Name a document."""

    name: Name
    displayName: str = ""  # noqa: N815 - as OpenSLO spells it
    labels: dict[str, str | list[str]] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)


class Query(Written):
    """Hold PromQL."""

    query: Annotated[str, Field(min_length=1)]


class MetricSource(Written):
    """Say where a metric comes from."""

    metricSourceRef: str = ""  # noqa: N815
    type: str = ""
    spec: Query


class Metric(Written):
    """Hold one metric."""

    metricSource: MetricSource  # noqa: N815


class RatioMetric(Written):
    """Hold good or bad events beside all, or their ratio itself."""

    counter: bool = False
    good: Metric | None = None
    bad: Metric | None = None
    total: Metric | None = None
    rawType: Literal["success", "failure"] | None = None  # noqa: N815
    raw: Metric | None = None

    @model_validator(mode="after")
    def _check(self) -> "RatioMetric":
        if self.raw is not None:
            if self.rawType is None or self.good or self.bad or self.total:
                raise ValueError("`raw` goes with `rawType` (success or failure), and without good, bad and total")
        elif self.total is None or (self.good is None) == (self.bad is None):
            raise ValueError("write `total` and either `good` or `bad`")
        return self


class SliSpec(Written):
    """Hold an indicator of either kind."""

    description: str = ""
    ratioMetric: RatioMetric | None = None  # noqa: N815
    thresholdMetric: Metric | None = None  # noqa: N815

    @model_validator(mode="after")
    def _check(self) -> "SliSpec":
        if (self.ratioMetric is None) == (self.thresholdMetric is None):
            raise ValueError("write either `ratioMetric` or `thresholdMetric`")
        return self


class InlineSli(Written):
    """Hold an indicator within an SLO."""

    metadata: Metadata
    spec: SliSpec


class Calendar(Written):
    """Say when the first period begins, by which clock."""

    startTime: Annotated[datetime, BeforeValidator(_wall_clock)]  # noqa: N815
    timeZone: Annotated[str, AfterValidator(_zone)]  # noqa: N815


class TimeWindow(Written):
    """Say over which time an objective is judged."""

    duration: Duration
    isRolling: bool  # noqa: N815
    calendar: Calendar | None = None

    @model_validator(mode="after")
    def _check(self) -> "TimeWindow":
        if self.isRolling == (self.calendar is not None):
            raise ValueError("`calendar` is needed where isRolling is false, and only there")
        if self.isRolling and self.duration[-1] in "MQY":
            raise ValueError("a rolling window is as long in every month; write days, such as 30d")
        if not self.isRolling and self.duration[-1] == "m":
            raise ValueError("a period of the calendar lasts an hour at least")
        return self


class Objective(Written):
    """Hold one target of an SLO."""

    displayName: str = ""  # noqa: N815
    op: OperatorName | None = None
    value: float | None = None
    target: Share | None = None
    targetPercent: Annotated[float, Field(gt=0, lt=100)] | None = None  # noqa: N815
    timeSliceTarget: Annotated[float, Field(gt=0, le=1)] | None = None  # noqa: N815
    timeSliceWindow: Duration | None = None  # noqa: N815

    @model_validator(mode="after")
    def _check(self) -> "Objective":
        if (self.target is None) == (self.targetPercent is None):
            raise ValueError("write either `target` (0.99) or `targetPercent` (99)")
        if (self.op is None) != (self.value is None):
            raise ValueError("`op` and `value` go together")
        return self


class BurnCondition(Written):
    """Say at which burn rate a policy fires."""

    kind: Literal["burnrate"]
    op: OperatorName
    threshold: float
    lookbackWindow: Duration  # noqa: N815
    alertAfter: Duration | Literal["0m"] = "0m"  # noqa: N815


class ConditionSpec(Written):
    """Hold a condition and how severe it is."""

    description: str = ""
    severity: Annotated[str, Field(min_length=1)]
    condition: BurnCondition


class PolicyCondition(Written):
    """Hold a condition within a policy."""

    kind: Literal["AlertCondition"]
    metadata: Metadata
    spec: ConditionSpec


class NotificationTarget(Written):
    """Name who is told; routes decide on it by the label `notification_targets`."""

    targetRef: Name  # noqa: N815


class PolicySpec(Written):
    """Hold what a policy watches."""

    description: str = ""
    alertWhenNoData: bool = False  # noqa: N815
    alertWhenResolved: bool = False  # noqa: N815
    alertWhenBreaching: bool = True  # noqa: N815
    conditions: Annotated[list[PolicyCondition], Field(min_length=1, max_length=1)]
    notificationTargets: list[NotificationTarget] = Field(default_factory=list)  # noqa: N815


class PolicyRef(Written):
    """Name a policy."""

    alertPolicyRef: Name  # noqa: N815


class InlinePolicy(Written):
    """Hold a policy within an SLO."""

    kind: Literal["AlertPolicy"]
    metadata: Metadata
    spec: PolicySpec


class SloSpec(Written):
    """Hold what is promised."""

    description: str = ""
    service: Name
    indicator: InlineSli | None = None
    indicatorRef: Name | None = None  # noqa: N815
    timeWindow: Annotated[list[TimeWindow], Field(min_length=1, max_length=1)]  # noqa: N815
    budgetingMethod: Literal["Occurrences", "Timeslices"]  # noqa: N815
    objectives: Annotated[list[Objective], Field(min_length=1)]
    alertPolicies: Annotated[list[PolicyRef | InlinePolicy], BeforeValidator(_policies)] = Field(  # noqa: N815
        default_factory=list
    )

    @model_validator(mode="after")
    def _check(self) -> "SloSpec":
        if (self.indicator is None) == (self.indicatorRef is None):
            raise ValueError("write either `indicator` or `indicatorRef`")
        return self


class ServiceSpec(Written):
    """Describe a service."""

    description: str = ""


class DataSourceSpec(Written):
    """Say what answers queries."""

    description: str = ""
    type: str
    connectionDetails: dict[str, Any] = Field(default_factory=dict)  # noqa: N815


SPECS: dict[str, type[Written]] = {
    "SLO": SloSpec,
    "SLI": SliSpec,
    "Service": ServiceSpec,
    "DataSource": DataSourceSpec,
    "AlertPolicy": PolicySpec,
}
"""What `spec` holds, by `kind`."""


class Document(Written):
    """Hold what every document has."""

    apiVersion: Literal["openslo/v1"]  # noqa: N815
    kind: Literal["SLO", "SLI", "Service", "DataSource", "AlertPolicy"]
    metadata: Metadata
    spec: dict[str, Any]
