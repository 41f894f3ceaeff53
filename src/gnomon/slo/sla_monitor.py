"""Follow every promise: judge it again and again, write the journal, tell it as metrics."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

import structlog
from prometheus_client import Counter, Gauge

from gnomon.lifecycle import Clock
from gnomon.model.errors import GnomonError
from gnomon.promql.engine import QueryEngine
from gnomon.sdk.logs.rotation import RotatingFile
from gnomon.sdk.logs.settings import RotationSettings
from gnomon.slo.event_counts import EventCounts
from gnomon.slo.objectives import Objective
from gnomon.slo.settings import SlaSettings
from gnomon.slo.sla_judgement import judge
from gnomon.slo.sla_views import SlaReport, SlaState, SlaStatus

log = structlog.get_logger(__name__)

TARGET = Gauge("gnomon_slo_target_ratio", "Share that an objective promises.", ["slo"])
ATTAINED = Gauge("gnomon_slo_attained_ratio", "Share that was good in the window; absent without data.", ["slo"])
BUDGET_LEFT = Gauge(
    "gnomon_slo_error_budget_left_ratio", "Share of the error budget that is left; absent without data.", ["slo"]
)
BURN = Gauge("gnomon_slo_burn_rate", "How many times as fast as allowed errors come; absent without data.", ["slo"])
EXHAUSTION = Gauge(
    "gnomon_slo_exhaustion_timestamp_seconds",
    "When the error budget will be gone at the current rate; absent where that is not in sight.",
    ["slo"],
)
STATE = Gauge("gnomon_slo_state", "1 for the state that an objective is in, 0 for the others.", ["slo", "state"])
FAILURES = Counter("gnomon_slo_evaluation_failures_total", "Times that an objective could not be judged.", ["slo"])

_STATES: tuple[SlaState, ...] = ("violated", "at_risk", "no_data", "met")
_FIGURES = (ATTAINED, BUDGET_LEFT, BURN, EXHAUSTION)


class SlaMonitor:
    """Judge objectives when asked to, and remember the outcome."""

    def __init__(
        self,
        engine: QueryEngine,
        clock: Clock,
        read_objectives: Callable[[], Sequence[Objective]],
        settings: SlaSettings,
    ) -> None:
        """Take an engine that knows `anchored` ranges; objectives are read each time."""
        self._engine = engine
        self._clock = clock
        self._read_objectives = read_objectives
        self._settings = settings
        self._counts: dict[Objective, EventCounts] = {}
        self._states: dict[str, SlaState] = {}
        self._written_at: dict[str, float] = {}
        self._report: SlaReport | None = None
        self._judged: Sequence[Objective] = ()
        self._one_at_a_time = asyncio.Lock()
        self._journal: RotatingFile | None = None
        if settings.journal is not None:
            rotation = RotationSettings(max_bytes=settings.journal_bytes, keep=settings.journal_keep)
            self._journal = RotatingFile(settings.journal, rotation)

    async def report(self) -> SlaReport:
        """Return how all fare, as judged last; those that are new are judged first."""
        if self._report is None or tuple(self._read_objectives()) != tuple(self._judged):
            await self.evaluate()
        if self._report is None:
            raise RuntimeError("objectives were judged without a report")
        return self._report

    async def evaluate(self) -> None:
        """Judge all objectives now."""
        async with self._one_at_a_time:
            objectives, now_ms = tuple(self._read_objectives()), self._clock.now_ns() // 1_000_000
            self._forget(objectives)
            found = [await self._judge(objective, now_ms) for objective in objectives]
            found.sort(key=lambda status: (_STATES.index(status.state), status.name))
            self._report = SlaReport(evaluated_at=datetime.fromtimestamp(now_ms / 1000, UTC), slas=found)
            self._judged = objectives
            await self._write(self._report)

    async def _judge(self, objective: Objective, now_ms: int) -> SlaStatus:
        counts = self._counts.setdefault(objective, EventCounts(self._engine, objective))
        try:
            status = judge(objective, await counts.until(now_ms), now_ms)
        except GnomonError as error:
            FAILURES.labels(objective.name).inc()
            status = judge(objective, None, now_ms, problem=str(error))
            if self._states.get(objective.name) != "no_data":
                log.warning("objective could not be judged", slo=objective.name, error=str(error))
        _tell(status)
        return status

    def _forget(self, objectives: Sequence[Objective]) -> None:
        """Let go of objectives that are there no more."""
        self._counts = {objective: counts for objective, counts in self._counts.items() if objective in objectives}
        names = {objective.name for objective in objectives}
        for name in set(self._states) - names:
            del self._states[name]
            self._written_at.pop(name, None)
            for metric in (TARGET, FAILURES, *_FIGURES):
                _remove(metric, name)
            for state in _STATES:
                _remove(STATE, name, state)

    async def _write(self, report: SlaReport) -> None:
        lines, now_s = [], self._clock.monotonic()
        for status in report.slas:
            changed = self._states.get(status.name) != status.state
            due = now_s - self._written_at.get(status.name, 0.0) >= self._settings.journal_interval_s
            if changed:
                before = self._states.get(status.name)
                log.info("objective changed its state", slo=status.name, state=status.state, before=before)
            self._states[status.name] = status.state
            if changed or due:
                self._written_at[status.name] = now_s
                line = status.model_dump_json(exclude={"description", "file"})
                lines.append(f'{{"time":"{report.evaluated_at.isoformat()}",{line[1:]}\n'.encode())
        if lines and self._journal is not None:
            try:
                await asyncio.to_thread(self._journal.write, b"".join(lines))
            except OSError as error:
                log.warning("journal of SLAs cannot be written", path=str(self._settings.journal), error=str(error))


def _tell(status: SlaStatus) -> None:
    TARGET.labels(status.name).set(status.target)
    exhausted = status.exhaustion.at
    figures = (status.attained, status.budget_left, status.burn, None if exhausted is None else exhausted.timestamp())
    for metric, figure in zip(_FIGURES, figures, strict=True):
        if figure is None:
            _remove(metric, status.name)
        else:
            metric.labels(status.name).set(figure)
    for state in _STATES:
        STATE.labels(status.name, state).set(state == status.state)


def _remove(metric: Gauge | Counter, *labels: str) -> None:
    with suppress(KeyError):
        metric.remove(*labels)
