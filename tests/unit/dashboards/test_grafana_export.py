"""What is exported to Grafana comes back the same."""

from dataclasses import replace

import pytest

from gnomon.dashboards.documents import (
    Dashboard,
    Display,
    Panel,
    PanelQuery,
    Place,
    SeriesRule,
    Threshold,
    ValueName,
    Variable,
)
from gnomon.dashboards.grafana_export import SCHEMA_VERSION, export_dashboard, reference
from gnomon.dashboards.grafana_import import import_dashboard
from gnomon.dashboards.grafana_units import UNITS, unit_from_grafana, unit_to_grafana
from gnomon.dashboards.shipped_dashboards import load_shipped_dashboards

DASHBOARD = Dashboard(
    title="Everything",
    tags=("a",),
    time_from="now-6h",
    refresh="30s",
    variables=(
        Variable(name="job", query="label_values(up, job)", multi=True, include_all=True, default=("$__all",)),
        Variable(name="q", kind="custom", options=("0.5", "0.99"), default=("0.5",), sort="none"),
        Variable(name="w", kind="interval", options=("1m", "5m"), default=("5m",), sort="none"),
        Variable(name="t", kind="text", default=("x",)),
    ),
    panels=(
        Panel(
            id=1,
            kind="timeseries",
            title="Rate",
            place=Place(x=0, y=0, w=12, h=8),
            queries=(PanelQuery(expression="rate(a[$__rate_interval])", legend="{{job}}", exemplars=True),),
            min_step="30s",
            display=Display(
                unit="per_second",
                decimals=2,
                min=0,
                stack="normal",
                legend="table",
                thresholds=(Threshold(value=None, tone="good"), Threshold(value=5, tone="bad")),
                series=(SeriesRule(pattern="out", negative=True),),
            ),
        ),
        Panel(
            id=2,
            kind="stat",
            place=Place(x=12, y=0, w=6, h=4),
            queries=(PanelQuery(expression="up", instant=True),),
            display=Display(
                calculation="mean", sparkline=False, names=(ValueName(low=1, high=1, name="Up", tone="good"),)
            ),
        ),
        Panel(id=3, kind="row", title="More", place=Place(x=0, y=8, w=24, h=1), collapsed=True),
        Panel(
            id=4,
            kind="gauge",
            place=Place(x=0, y=9, w=6, h=6),
            queries=(PanelQuery(expression="b"),),
            display=Display(unit="suffix:jobs", min=0, max=10),
        ),
        Panel(id=5, kind="bar", place=Place(x=6, y=9, w=6, h=6), queries=(PanelQuery(expression="b"),)),
        Panel(id=6, kind="heatmap", place=Place(x=12, y=9, w=12, h=6), queries=(PanelQuery(expression="c"),)),
        Panel(id=7, kind="text", place=Place(x=0, y=15, w=24, h=3), text="**hello**"),
        Panel(
            id=8, kind="table", place=Place(x=0, y=18, w=24, h=3), queries=(PanelQuery(expression="d", instant=True),)
        ),
    ),
)


def test_export_and_import_lose_nothing_that_both_know() -> None:
    back = import_dashboard(export_dashboard(DASHBOARD))

    assert back.findings == ()
    assert back.source == "grafana"
    for before, after in zip(DASHBOARD.panels, back.dashboard.panels, strict=True):
        # Grafana writes a legend mode for every panel, and thresholds' base; ours need neither.
        assert replace(after, display=before.display) == before
        assert (after.display.unit, after.display.calculation) == (before.display.unit, before.display.calculation)
    assert back.dashboard.panels[0].display == DASHBOARD.panels[0].display
    assert back.dashboard.panels[1].display.names == DASHBOARD.panels[1].display.names
    assert back.dashboard.variables == DASHBOARD.variables
    assert back.dashboard.refresh == "30s"


def test_it_is_the_schema_of_grafana_12_with_a_data_source_to_choose() -> None:
    exported = export_dashboard(DASHBOARD)

    assert exported["schemaVersion"] == SCHEMA_VERSION
    assert exported["templating"]["list"][0]["type"] == "datasource"
    assert exported["panels"][0]["targets"][0]["datasource"]["uid"] == "${datasource}"


def test_panels_below_a_folded_row_stand_in_it() -> None:
    [row] = [panel for panel in export_dashboard(DASHBOARD)["panels"] if panel["type"] == "row"]

    assert [panel["id"] for panel in row["panels"]] == [4, 5, 6, 7, 8]


@pytest.mark.parametrize("name", list(load_shipped_dashboards()))
def test_shipped_dashboards_survive_the_way_to_grafana_and_back(name: str) -> None:
    dashboard = load_shipped_dashboards()[name]
    back = import_dashboard(export_dashboard(dashboard)).dashboard

    assert [panel.queries for panel in back.panels] == [panel.queries for panel in dashboard.panels]


def test_every_unit_has_one_in_grafana() -> None:
    for unit in UNITS:
        assert unit_from_grafana(unit_to_grafana(unit)) == unit


@pytest.mark.parametrize(("number", "letter"), [(0, "A"), (25, "Z"), (26, "A1")])
def test_queries_are_called_by_letters(number: int, letter: str) -> None:
    assert reference(number) == letter
