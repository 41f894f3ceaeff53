"""OpenSLO files are read strictly: what is wrong is told with file, place, value and what to do."""

from pathlib import Path

import pytest

from gnomon.slo.objectives import RatioIndicator
from gnomon.slo.openslo_files import SloFileError, load_slo_files
from gnomon.slo.time_windows import CalendarWindow
from tests.unit.slo.recorded_events import DAY_MS, SLO, write

OTHERS = """
---
apiVersion: openslo/v1
kind: Service
metadata: {name: shop, displayName: Shop}
spec: {description: Sells things.}
---
apiVersion: openslo/v1
kind: DataSource
metadata: {name: own}
spec: {type: Prometheus, connectionDetails: {url: here}}
"""


def test_documents_refer_to_each_other(tmp_path: Path) -> None:
    text = SLO.replace("{type: Prometheus, spec: {query: requests", "{metricSourceRef: own, spec: {query: requests")
    (objective,) = load_slo_files([write(tmp_path, text + OTHERS)])

    assert (objective.name, objective.title, objective.service) == ("checkout", "Checkout works", "shop")
    assert (objective.target, objective.window.length_ms) == (0.99, DAY_MS)
    assert isinstance(objective.indicator, RatioIndicator)
    assert objective.indicator.total == "sum(increase(requests_total[{{.window}}]))"


def test_several_objectives_are_told_apart(tmp_path: Path) -> None:
    text = SLO.replace(
        "[{target: 0.99}]", "[{displayName: most, target: 0.9}, {displayName: all, targetPercent: 99.9}]"
    )
    found = load_slo_files([write(tmp_path, text)])

    assert [(one.name, one.title) for one in found] == [
        ("checkout-1", "Checkout works: most"),
        ("checkout-2", "Checkout works: all"),
    ]
    assert found[1].target == pytest.approx(0.999)


def test_a_calendar_window_has_a_zone(tmp_path: Path) -> None:
    calendar = "{duration: 1M, isRolling: false, calendar: {startTime: 2026-01-01 00:00:00, timeZone: Asia/Kolkata}}"
    (objective,) = load_slo_files([write(tmp_path, SLO.replace("{duration: 1d, isRolling: true}", calendar))])

    assert isinstance(objective.window, CalendarWindow)
    assert objective.window.zone.key == "Asia/Kolkata"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("target: 0.99", "target: 1.5", "spec.objectives.0.target = 1.5 is wrong: Input should be less than 1."),
        ("target: 0.99", "goal: 0.99", "spec.objectives.0.goal: OpenSLO v1 has no such field"),
        ("openslo/v1", "openslo/v2", "document 1: apiVersion = 'openslo/v2' is wrong"),
        ("service: shop", "", "spec.service is missing. Add it."),
        ("duration: 1d", "duration: 1M", "write days, such as 30d"),
        ("requests_total}", "'rate('}", "total.metricSource.spec.query = 'rate(':"),
        ("requests_total}", "'rate(requests_total[5m])'}", "a counter is written as a selector"),
        (
            "type: Prometheus, spec: {query: requests",
            "type: Datadog, spec: {query: requests",
            "Write type: Prometheus.",
        ),
        (
            "type: Prometheus, spec: {query: requests",
            "metricSourceRef: x, spec: {query: requests",
            "there is no DataSource",
        ),
        (
            "Occurrences",
            "Timeslices",
            "objectives.0.timeSliceWindow = None: it is needed with budgetingMethod Timeslices",
        ),
        ("target: 0.99", "target: 0.99, op: lt, value: 1", "a ratioMetric is not compared"),
        ("isRolling: true", "isRolling: false", "`calendar` is needed where isRolling is false"),
        ("kind: SLO", "kind: Slo", "kind = 'Slo' is wrong"),
        ("spec:", "spec: [", "this is not valid YAML"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, old: str, new: str, told: str) -> None:
    path = write(tmp_path, SLO.replace(old, new, 1))

    with pytest.raises(SloFileError) as raised:
        load_slo_files([path])
    assert str(raised.value).startswith(path)
    assert told in str(raised.value)


def test_a_file_that_is_not_there_and_a_name_that_is_there_twice(tmp_path: Path) -> None:
    with pytest.raises(SloFileError, match=r"none\.yaml: cannot be read"):
        load_slo_files([str(tmp_path / "none.yaml")])
    with pytest.raises(SloFileError, match=r"SLO 'checkout' is in .* already"):
        load_slo_files([write(tmp_path, f"{SLO}---{SLO}")])
