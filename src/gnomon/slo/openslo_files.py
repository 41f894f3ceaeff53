"""Read OpenSLO files: every document checked, every reference followed, one objective for each promise."""

from collections.abc import Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import yaml
from pydantic import ValidationError

from gnomon.model.errors import InvalidInputError
from gnomon.slo import openslo_documents as written
from gnomon.slo.indicator_queries import check_query, check_value_query
from gnomon.slo.objectives import AlertPolicy, Indicator, Objective, Operator, RatioIndicator, ThresholdIndicator
from gnomon.slo.time_windows import CalendarWindow, RollingWindow, TimeWindow

_UNITS_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_OPERATORS: dict[written.OperatorName, Operator] = {"lte": "<=", "lt": "<", "gte": ">=", "gt": ">"}
_SOURCES = frozenset({"prometheus", "gnomon"})
Spec = TypeVar("Spec", bound=written.Written)


class SloFileError(InvalidInputError):
    """Tell what is wrong with files of objectives: file, document, place, value and what to do."""


@dataclass(frozen=True, slots=True)
class _Document:
    file: str
    kind: str
    metadata: written.Metadata
    spec: written.Written

    @property
    def place(self) -> str:
        return f"{self.file}: {self.kind} {self.metadata.name!r}"


def load_slo_files(patterns: Sequence[str]) -> tuple[Objective, ...]:
    """Return the objectives of all files that patterns find, which refer to each other; raises SloFileError."""
    documents: dict[tuple[str, str], _Document] = {}
    for path in dict.fromkeys(path for pattern in patterns for path in _matching(pattern)):
        for document in _read_file(path):
            key = (document.kind, document.metadata.name)
            if key in documents:
                raise SloFileError(f"{document.place} is in {documents[key].file} already. Rename or remove one.")
            documents[key] = document
    resolver = _Resolver(documents)
    for (kind, _), document in documents.items():
        resolver.check(kind, document)
    found: dict[str, Objective] = {}
    for (kind, _), document in documents.items():
        if kind == "SLO":
            for objective in resolver.objectives(document):
                if objective.name in found:
                    raise SloFileError(f"{document.place} makes the objective {objective.name!r} a second time.")
                found[objective.name] = objective
    return tuple(found.values())


def _matching(pattern: str) -> list[str]:
    if has_magic(pattern):
        return sorted(glob(pattern, recursive=True))  # noqa: PTH207 - an absolute pattern, which Path.glob refuses
    return [pattern]


def _read_file(path: str) -> list[_Document]:
    try:
        contents = list(yaml.safe_load_all(Path(path).read_text(encoding="utf-8")))
    except OSError as error:
        raise SloFileError(f"{path}: cannot be read: {error.strerror}. Check `slos` in gnomon.yml.") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise SloFileError(f"{path}: this is not valid YAML. {error}") from error
    return [_read(path, number, content) for number, content in enumerate(contents, 1) if content is not None]


def _read(path: str, number: int, content: Any) -> _Document:
    place = f"{path}: document {number}"
    head = _validate(written.Document, content, place, "")
    place = f"{path}: {head.kind} {head.metadata.name!r}"
    return _Document(path, head.kind, head.metadata, _validate(written.SPECS[head.kind], head.spec, place, "spec."))


def _validate(model: type[Spec], content: Any, place: str, prefix: str) -> Spec:
    try:
        return model.model_validate(content)
    except ValidationError as error:
        faults = [f"{place}: {_explain(fault, prefix)}" for fault in error.errors(include_url=False)]
        raise SloFileError("\n".join(faults)) from error


def _explain(fault: Any, prefix: str) -> str:
    where = prefix + ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f"{where}: OpenSLO v1 has no such field here, or Gnomon does not read it. Remove or correct it."
    if fault["type"] == "missing":
        return f"{where} is missing. Add it."
    reason = fault["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{where.rstrip('.')} = {fault['input']!r} is wrong: {reason}."


class _Resolver:
    """Follow references between documents."""

    def __init__(self, documents: dict[tuple[str, str], _Document]) -> None:
        self._documents = documents

    def check(self, kind: str, document: _Document) -> None:
        """Check a document that none may refer to."""
        if isinstance(document.spec, written.DataSourceSpec):
            _check_type(document.spec.type, f"{document.place}: spec.type")
        if kind == "SLI" and isinstance(document.spec, written.SliSpec):
            self._indicator(document.spec, f"{document.place}: spec")
        if kind == "AlertPolicy" and isinstance(document.spec, written.PolicySpec):
            _policies_of(document.metadata, document.spec, f"{document.place}: spec")

    def objectives(self, document: _Document) -> list[Objective]:
        """Return what an SLO promises."""
        spec = document.spec
        if not isinstance(spec, written.SloSpec):
            return []
        place = f"{document.place}: spec"
        if spec.indicator is not None:
            indicator = self._indicator(spec.indicator.spec, f"{place}.indicator.spec")
        else:
            sli = self._get(spec.indicatorRef or "", written.SliSpec, "SLI", f"{place}.indicatorRef")[1]
            indicator = self._indicator(sli, f"{place}.indicatorRef")
        policies = []
        for number, policy in enumerate(spec.alertPolicies):
            at = f"{place}.alertPolicies.{number}"
            if isinstance(policy, written.InlinePolicy):
                policies.append(_policies_of(policy.metadata, policy.spec, at))
            else:
                metadata, found = self._get(policy.alertPolicyRef, written.PolicySpec, "AlertPolicy", at)
                policies.append(_policies_of(metadata, found, at))
        name, title = document.metadata.name, document.metadata.displayName or document.metadata.name
        many = len(spec.objectives) > 1
        made = []
        for number, promise in enumerate(spec.objectives):
            at = f"{place}.objectives.{number}"
            operator, slice_ms = _check_objective(promise, spec, indicator, at)
            target = promise.target if promise.target is not None else (promise.targetPercent or 0) / 100
            made.append(
                Objective(
                    name=f"{name}-{number + 1}" if many else name,
                    title=f"{title}: {promise.displayName}" if many and promise.displayName else title,
                    file=document.file,
                    service=spec.service,
                    description=spec.description,
                    indicator=indicator,
                    target=target,
                    window=_window(spec.timeWindow[0]),
                    budgeting=spec.budgetingMethod,
                    threshold=operator,
                    slice_target=1.0 if promise.timeSliceTarget is None else promise.timeSliceTarget,
                    slice_ms=slice_ms,
                    policies=tuple(policies),
                )
            )
        return made

    def _get(self, name: str, model: type[Spec], kind: str, place: str) -> tuple[written.Metadata, Spec]:
        found = self._documents.get((kind, name))
        if found is None or not isinstance(found.spec, model):
            known = ", ".join(sorted(known for of_kind, known in self._documents if of_kind == kind)) or "none"
            raise SloFileError(f"{place} = {name!r}: there is no {kind} of that name ({known}). Add or correct it.")
        return found.metadata, found.spec

    def _indicator(self, spec: written.SliSpec, place: str) -> Indicator:
        if spec.thresholdMetric is not None:
            query = self._query(spec.thresholdMetric, f"{place}.thresholdMetric")
            return ThresholdIndicator(_checked(query, f"{place}.thresholdMetric", value=True))
        ratio = spec.ratioMetric
        if ratio is None:
            raise SloFileError(f"{place}: write either `ratioMetric` or `thresholdMetric`.")
        place = f"{place}.ratioMetric"
        if ratio.raw is not None:
            raw = _checked(self._query(ratio.raw, f"{place}.raw"), f"{place}.raw", value=True)
            return RatioIndicator(
                f"sum(sum_over_time(({raw})[{{{{.window}}}}:1m]))",
                f"sum(count_over_time(({raw})[{{{{.window}}}}:1m]))",
                ratio.rawType == "failure",
            )
        texts = {}
        for key, metric in (("good", ratio.good), ("bad", ratio.bad), ("total", ratio.total)):
            if metric is not None:
                query = self._query(metric, f"{place}.{key}")
                texts[key] = _checked(query, f"{place}.{key}", counter=ratio.counter)
        counted_bad = "bad" in texts
        return RatioIndicator(texts["bad" if counted_bad else "good"], texts["total"], counted_bad)

    def _query(self, metric: written.Metric, place: str) -> str:
        source = metric.metricSource
        if source.metricSourceRef:
            at = f"{place}.metricSource.metricSourceRef"
            self._get(source.metricSourceRef, written.DataSourceSpec, "DataSource", at)
        if source.type:
            _check_type(source.type, f"{place}.metricSource.type")
        return source.spec.query.strip()


def _check_type(name: str, place: str) -> None:
    if name.lower() not in _SOURCES:
        raise SloFileError(f"{place} = {name!r}: Gnomon answers PromQL from its own store. Write type: Prometheus.")


def _checked(query: str, place: str, *, value: bool = False, counter: bool = False) -> str:
    try:
        return check_value_query(query) if value else check_query(query, counter=counter)
    except InvalidInputError as error:
        raise SloFileError(f"{place}.metricSource.spec.query = {query!r}: {error}.") from error


def _check_objective(
    promise: written.Objective, spec: written.SloSpec, indicator: Indicator, place: str
) -> tuple[tuple[Operator, float] | None, int]:
    """Return what values are compared with, and how long slices are."""
    operator = None
    if promise.op is not None and promise.value is not None:
        operator = (_OPERATORS[promise.op], promise.value)
    if isinstance(indicator, ThresholdIndicator) and operator is None:
        raise SloFileError(f"{place}: a thresholdMetric is compared: add `op` (lte, lt, gte, gt) and `value`.")
    if isinstance(indicator, RatioIndicator) and operator is not None:
        raise SloFileError(f"{place}.op = {promise.op!r}: a ratioMetric is not compared. Remove `op` and `value`.")
    slices = spec.budgetingMethod == "Timeslices"
    if slices != (promise.timeSliceWindow is not None) or (promise.timeSliceTarget is not None and not slices):
        raise SloFileError(
            f"{place}.timeSliceWindow = {promise.timeSliceWindow!r}: it is needed with budgetingMethod Timeslices, "
            "and timeSliceTarget allowed; with Occurrences neither is. Add or remove them."
        )
    if slices and promise.timeSliceTarget is None:
        raise SloFileError(f"{place}.timeSliceTarget is missing: the share of a slice that must be good. Add it.")
    slice_ms = 0
    if promise.timeSliceWindow is not None:
        slice_ms = _length_ms(promise.timeSliceWindow, f"{place}.timeSliceWindow")
        if slice_ms * 2 > _window(spec.timeWindow[0]).length_ms:
            raise SloFileError(
                f"{place}.timeSliceWindow = {promise.timeSliceWindow!r}: the window must hold several slices. "
                "Write a shorter one."
            )
    return operator, slice_ms


def _policies_of(metadata: written.Metadata, spec: written.PolicySpec, place: str) -> AlertPolicy:
    condition = spec.conditions[0].spec
    burn = condition.condition
    place = f"{place}.conditions.0.spec.condition"
    if not spec.alertWhenBreaching:
        raise SloFileError(f"{place}: alertWhenBreaching = False: such a policy never fires. Remove it, or set it.")
    return AlertPolicy(
        name=metadata.name,
        severity=condition.severity,
        operator=_OPERATORS[burn.op],
        threshold=burn.threshold,
        lookback_ms=_length_ms(burn.lookbackWindow, f"{place}.lookbackWindow"),
        for_ms=_length_ms(burn.alertAfter, f"{place}.alertAfter"),
        notification_targets=tuple(target.targetRef for target in spec.notificationTargets),
        without_data=spec.alertWhenNoData,
    )


def _length_ms(duration: str, place: str) -> int:
    unit = _UNITS_MS.get(duration[-1])
    if unit is None:
        raise SloFileError(f"{place} = {duration!r}: write minutes, hours, days or weeks, such as 5m or 1h.")
    return int(duration[:-1]) * unit


def _window(window: written.TimeWindow) -> TimeWindow:
    count, unit = int(window.duration[:-1]), window.duration[-1]
    calendar = window.calendar
    if calendar is None:
        return RollingWindow(count * _UNITS_MS[unit])
    return CalendarWindow(count, unit, calendar.startTime, ZoneInfo(calendar.timeZone))  # type: ignore[arg-type]
