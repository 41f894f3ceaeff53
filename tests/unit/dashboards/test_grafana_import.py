"""Grafana's JSON becomes a dashboard of ours, and what cannot is said panel by panel."""

from typing import Any

import pytest

from gnomon.dashboards.documents import Panel, Place, Threshold, read_dashboard
from gnomon.dashboards.grafana_export import export_dashboard
from gnomon.dashboards.grafana_import import ImportedDashboard, import_dashboard
from gnomon.dashboards.grafana_panels import tone_of
from gnomon.model.errors import InvalidInputError

PROMETHEUS = {"type": "prometheus", "uid": "${ds_prometheus}"}


def _target(expression: str, **more: Any) -> dict[str, Any]:
    return {"refId": "A", "datasource": PROMETHEUS, "expr": expression, **more}


def _panel(kind: str, **more: Any) -> dict[str, Any]:
    grid = {"x": 0, "y": 0, "w": 12, "h": 8}
    return {"id": 7, "type": kind, "title": "Panel", "gridPos": grid, "datasource": PROMETHEUS, **more}


def _imported(*panels: dict[str, Any], **more: Any) -> ImportedDashboard:
    return import_dashboard({"title": "Node", "schemaVersion": 39, "panels": list(panels), **more})


def _mapped(panel: dict[str, Any]) -> tuple[Panel, list[str]]:
    imported = _imported(panel)
    return imported.dashboard.panels[0], [finding.message for finding in imported.findings]


def test_network_traffic_as_the_node_exporter_dashboards_draw_it() -> None:
    panel, messages = _mapped(
        _panel(
            "timeseries",
            title="Network traffic",
            interval="30s",
            targets=[
                _target(
                    'rate(node_network_receive_bytes_total{instance="$node"}[$__rate_interval])*8',
                    legendFormat="Rx in {{device}}",
                    exemplar=True,
                    range=True,
                ),
                _target('rate(node_network_transmit_bytes_total{instance="$node"}[$__rate_interval])*8', hide=True),
            ],
            fieldConfig={
                "defaults": {
                    "unit": "bps",
                    "decimals": 1,
                    "custom": {"drawStyle": "line", "fillOpacity": 40, "stacking": {"mode": "normal", "group": "A"}},
                    "thresholds": {"mode": "absolute", "steps": [{"color": "green", "value": None}]},
                },
                "overrides": [
                    {
                        "matcher": {"id": "byRegexp", "options": "/.*Tx.*/"},
                        "properties": [{"id": "custom.transform", "value": "negative-Y"}],
                    }
                ],
            },
            options={"legend": {"displayMode": "table", "showLegend": True, "calcs": ["mean"]}},
        )
    )

    assert messages == []
    assert panel.kind == "timeseries"
    assert [query.legend for query in panel.queries] == ["Rx in {{device}}", ""]
    assert [query.hidden for query in panel.queries] == [False, True]
    assert panel.queries[0].exemplars
    assert panel.min_step == "30s"
    assert (panel.display.unit, panel.display.decimals, panel.display.stack) == ("bits_per_second", 1, "normal")
    assert panel.display.legend == "table"
    # A lone base colour is decoration.
    assert panel.display.thresholds == ()
    [rule] = panel.display.series
    assert (rule.pattern, rule.negative) == (".*Tx.*", True)


def test_a_stat_keeps_calculation_thresholds_and_names_of_values() -> None:
    panel, messages = _mapped(
        _panel(
            "stat",
            targets=[_target("up", instant=True)],
            options={"reduceOptions": {"calcs": ["max"]}, "graphMode": "none"},
            fieldConfig={
                "defaults": {
                    "unit": "percentunit",
                    "min": 0,
                    "max": 1,
                    "mappings": [
                        {"type": "value", "options": {"0": {"text": "Down", "color": "dark-red"}}},
                        {
                            "type": "range",
                            "options": {"from": 1, "to": None, "result": {"text": "Up", "color": "green"}},
                        },
                    ],
                    "thresholds": {
                        "mode": "percentage",
                        "steps": [
                            {"color": "#299c46", "value": None},
                            {"color": "rgba(245, 54, 54, 0.9)", "value": 80},
                        ],
                    },
                },
                "overrides": [],
            },
        )
    )

    assert messages == []
    assert panel.queries[0].instant
    assert (panel.display.unit, panel.display.calculation, panel.display.sparkline) == ("share", "max", False)
    assert panel.display.thresholds == (Threshold(value=None, tone="good"), Threshold(value=0.8, tone="bad"))
    assert [(name.low, name.high, name.name, name.tone) for name in panel.display.names] == [
        (0, 0, "Down", "bad"),
        (1, None, "Up", "good"),
    ]


def test_a_table_keeps_the_names_and_absences_of_its_columns() -> None:
    panel, messages = _mapped(
        _panel(
            "table",
            targets=[_target("node_uname_info", format="table", instant=True)],
            transformations=[
                {"id": "merge", "options": {}},
                {"id": "organize", "options": {"excludeByName": {"Time": True}, "renameByName": {"nodename": "Name"}}},
                {"id": "calculateField", "options": {}},
            ],
        )
    )

    assert messages == ["Transformations are left out: calculateField."]
    assert [(rule.pattern, rule.title, rule.hidden) for rule in panel.display.series] == [
        ("^nodename$", "Name", False),
        ("^Time$", "", True),
    ]


def test_repeated_panels_and_links_come_along_and_go_back() -> None:
    links = [
        {"title": "Runbook", "url": "https://wiki.example/${shop}", "type": "link"},
        {"title": "Others", "type": "dashboards", "tags": ["shop one"]},
        {"title": "Elsewhere", "url": "/d/abc/elsewhere", "type": "link"},
        {"title": "Script", "url": "javascript:alert(1)", "type": "link"},
    ]
    panel = _panel("stat", title="$shop", repeat="shop", repeatDirection="v", links=links, targets=[_target("up")])
    imported = _imported(panel, links=links)
    found = imported.dashboard.panels[0]
    assert (found.repeat, found.repeat_direction) == ("shop", "down")
    assert found.links == imported.dashboard.links
    assert [(link.title, link.url) for link in found.links] == [
        ("Runbook", "https://wiki.example/${shop}"),
        ("Others", "/dashboards?tag=shop%20one"),
    ]
    assert [finding.message for finding in imported.findings if finding.panel] == [
        "The link 'Elsewhere' is left out: it leads to another page of Grafana.",
        "The link 'Script' is left out: it leads to another page of Grafana.",
    ]
    exported = export_dashboard(imported.dashboard)
    assert [link["title"] for link in exported["links"]] == ["Runbook"]
    assert (exported["panels"][0]["repeat"], exported["panels"][0]["repeatDirection"]) == ("shop", "v")


@pytest.mark.parametrize("url", ["javascript:alert(1)", "//evil.example", "/\\evil.example", "data:text/html,x", ""])
def test_a_link_leads_to_the_web_or_to_a_page_here(url: str) -> None:
    with pytest.raises(InvalidInputError, match="url"):
        read_dashboard({"title": "t", "links": [{"title": "x", "url": url}]})


def test_what_cannot_be_mapped_is_listed_with_its_panel() -> None:
    imported = _imported(
        _panel("timeseries", title="Good", targets=[_target("up")]),
        _panel(
            "timeseries",
            title="Mixed",
            timeShift="1d",
            targets=[
                {"refId": "A", "datasource": {"type": "loki"}, "expr": "", "query": "{}"},
                {"refId": "B", "datasource": {"type": "__expr__"}, "expression": "$A", "type": "math"},
            ],
            fieldConfig={
                "defaults": {"unit": "furlongs"},
                "overrides": [
                    {
                        "matcher": {"id": "byName", "options": "x"},
                        "properties": [{"id": "color", "value": {}}, {"id": "custom.axisPlacement", "value": "right"}],
                    }
                ],
            },
        ),
        _panel("nodeGraph", title="Graph"),
    )

    assert {finding.panel for finding in imported.findings} == {"Mixed", "Graph"}
    messages = " ".join(finding.message for finding in imported.findings)
    for part in (
        "time shift",
        "Query A is not PromQL (loki)",
        "Query B computes",
        "'furlongs'",
        "a second axis, colours and line styles of single series",
        "'nodeGraph'",
    ):
        assert part in messages
    assert [panel.kind for panel in imported.dashboard.panels] == ["timeseries", "timeseries", "text"]


def test_a_folded_row_moves_what_is_below_it_down() -> None:
    imported = _imported(
        {
            "id": 1,
            "type": "row",
            "title": "Folded",
            "collapsed": True,
            "gridPos": {"x": 0, "y": 0, "w": 24, "h": 1},
            "panels": [
                {**_panel("stat", title="In it"), "gridPos": {"x": 0, "y": 1, "w": 12, "h": 4}},
                {**_panel("stat", title="Below"), "gridPos": {"x": 0, "y": 5, "w": 12, "h": 6}},
            ],
        },
        {"id": 9, "type": "row", "title": "Open", "collapsed": False, "gridPos": {"x": 0, "y": 1, "w": 24, "h": 1}},
        {**_panel("stat", title="After"), "gridPos": {"x": 0, "y": 2, "w": 12, "h": 4}},
    )

    places = {panel.title: panel.place for panel in imported.dashboard.panels}
    assert places["In it"] == Place(x=0, y=1, w=12, h=4)
    assert places["Below"] == Place(x=0, y=5, w=12, h=6)
    assert places["Open"].y == 11
    assert places["After"] == Place(x=0, y=12, w=12, h=4)


def test_a_dashboard_of_grafana_4_has_rows_of_spans() -> None:
    imported = import_dashboard(
        {
            "title": "Old",
            "rows": [
                {
                    "title": "CPU",
                    "showTitle": True,
                    "height": "240px",
                    "panels": [
                        {
                            "type": "graph",
                            "title": "Load",
                            "span": 8,
                            "stack": True,
                            "targets": [{"expr": "node_load1", "refId": "A"}],
                            "yaxes": [{"format": "percentunit", "min": "0", "logBase": 1}],
                            "seriesOverrides": [{"alias": "/out/", "transform": "negative-Y"}],
                        },
                        {
                            "type": "singlestat",
                            "title": "Up",
                            "span": 4,
                            "valueName": "avg",
                            "thresholds": "1,2",
                            "targets": [{"expr": "up", "refId": "A"}],
                        },
                    ],
                }
            ],
        }
    )

    row, graph, stat = imported.dashboard.panels
    assert (row.kind, row.title) == ("row", "CPU")
    assert graph.place == Place(x=0, y=1, w=16, h=8)
    assert (graph.display.unit, graph.display.stack, graph.display.min) == ("share", "normal", 0)
    assert graph.display.series[0].negative
    assert stat.place == Place(x=16, y=1, w=8, h=8)
    assert stat.display.calculation == "mean"
    assert [step.value for step in stat.display.thresholds] == [None, 1, 2]


def test_variables_come_along_and_data_sources_go() -> None:
    imported = _imported(
        templating={
            "list": [
                {"name": "ds_prometheus", "type": "datasource", "query": "prometheus"},
                {
                    "name": "node",
                    "type": "query",
                    "query": {"query": 'label_values(node_uname_info{job="$job"}, instance)', "refId": "x"},
                    "regex": "/(.*):.*/",
                    "multi": True,
                    "includeAll": True,
                    "allValue": ".*",
                    "sort": 1,
                    "current": {"text": ["All"], "value": ["$__all"]},
                },
                {"name": "quantile", "type": "custom", "query": "0.5, p99 : 0.99, a\\,b"},
                {"name": "window", "type": "interval", "query": "1m,5m", "auto": True},
                {"name": "text", "type": "textbox", "query": "x"},
                {"name": "fixed", "type": "constant", "query": "eth0"},
                {"name": "filters", "type": "adhoc"},
            ]
        },
        annotations={"list": [{"builtIn": 1, "name": "Annotations"}]},
    )

    node, quantile, window, text, fixed = imported.dashboard.variables
    assert (node.query, node.regex, node.default) == (
        'label_values(node_uname_info{job="$job"}, instance)',
        "/(.*):.*/",
        ("$__all",),
    )
    assert (node.multi, node.include_all, node.all_value) == (True, True, ".*")
    assert quantile.options == ("0.5", "p99 : 0.99", "a,b")
    assert (window.kind, window.options) == ("interval", ("1m", "5m"))
    assert (text.kind, text.default) == ("text", ("x",))
    assert (fixed.kind, fixed.default, fixed.hidden) == ("constant", ("eth0",), True)
    messages = [finding.message for finding in imported.findings]
    assert len(messages) == 2
    assert "'auto'" in messages[0]
    assert "ad hoc" in messages[1]


@pytest.mark.parametrize(
    "wrapped", [lambda inner: {"dashboard": inner, "meta": {}}, lambda inner: {"kind": "Dashboard", "spec": inner}]
)
def test_wrappings_are_taken_off(wrapped: Any) -> None:
    imported = import_dashboard(wrapped({"title": "Inside", "panels": []}))

    assert imported.dashboard.title == "Inside"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "JSON object"),
        ({"a": 1}, "neither panels nor rows, but a"),
        ({"spec": {"elements": {}, "layout": {}}}, "schema v2"),
    ],
)
def test_what_is_no_dashboard_is_refused(document: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        import_dashboard(document)


@pytest.mark.parametrize(
    ("color", "tone"),
    [
        ("semi-dark-red", "bad"),
        ("#d44a3a", "bad"),
        ("rgba(237, 129, 40, 0.89)", "warn"),
        ("#299c46", "good"),
        ("blue", "neutral"),
        ("", "neutral"),
    ],
)
def test_colours_become_states(color: str, tone: str) -> None:
    assert tone_of(color) == tone


def test_wild_values_do_no_harm() -> None:
    imported = _imported(
        {"type": "timeseries", "gridPos": {"x": "a", "y": -3, "w": 99}, "targets": "none", "fieldConfig": []},
        {"type": None, "options": 3},
        time={"from": None},
        tags="x",
    )

    assert imported.dashboard.panels[0].place == Place(x=0, y=0, w=24, h=8)
