"""Write a dashboard as Grafana's classic JSON model, for its Prometheus data source."""

from collections.abc import Iterator
from typing import Any

from gnomon.dashboards.documents import COLUMNS, Dashboard, Display, Panel, PanelQuery, SeriesRule
from gnomon.dashboards.grafana_links import write_links
from gnomon.dashboards.grafana_units import unit_to_grafana
from gnomon.dashboards.grafana_variables import write_variable

# What Grafana 11 and 12 write.
SCHEMA_VERSION = 41

_DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
_TYPES = {
    "timeseries": "timeseries",
    "stat": "stat",
    "gauge": "gauge",
    "bar": "bargauge",
    "table": "table",
    "heatmap": "heatmap",
    "text": "text",
    "row": "row",
}
_CALCULATIONS = {
    "last": "lastNotNull",
    "first": "firstNotNull",
    "mean": "mean",
    "min": "min",
    "max": "max",
    "sum": "sum",
    "count": "count",
    "range": "range",
}
_COLORS = {"good": "green", "warn": "orange", "bad": "red", "neutral": "blue"}


def export_dashboard(dashboard: Dashboard) -> dict[str, Any]:
    """Return the JSON that Grafana imports; lists of logs and traces, which need other data sources, become texts."""
    return {
        "title": dashboard.title,
        "description": dashboard.description,
        "tags": list(dashboard.tags),
        "editable": True,
        "graphTooltip": 1,
        "schemaVersion": SCHEMA_VERSION,
        "time": {"from": dashboard.time_from, "to": dashboard.time_to},
        "refresh": dashboard.refresh,
        "timezone": "browser",
        "annotations": {"list": []},
        "links": write_links(dashboard.links),
        "templating": {"list": [_datasource_variable(), *map(write_variable, dashboard.variables)]},
        "panels": list(_panels(dashboard.panels)),
    }


def _datasource_variable() -> dict[str, Any]:
    return {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
        "hide": 0,
        "multi": False,
        "includeAll": False,
        "refresh": 1,
        "regex": "",
    }


def _panels(panels: tuple[Panel, ...]) -> Iterator[dict[str, Any]]:
    """Yield panels from top to bottom; those below a folded row stand inside it."""
    folded: dict[str, Any] | None = None
    for panel in sorted(panels, key=lambda panel: (panel.place.y, panel.place.x)):
        written = _panel(panel)
        if panel.kind == "row":
            if folded is not None:
                yield folded
            folded = written if panel.collapsed else None
            if folded is None:
                yield written
        elif folded is not None:
            folded["panels"].append(written)
        else:
            yield written
    if folded is not None:
        yield folded


def _panel(panel: Panel) -> dict[str, Any]:
    place = panel.place
    written: dict[str, Any] = {
        "id": panel.id,
        "title": panel.title,
        "type": _TYPES.get(panel.kind, "text"),
        "gridPos": {"x": place.x, "y": place.y, "w": place.w, "h": place.h},
    }
    if panel.kind == "row":
        return written | {
            "collapsed": panel.collapsed,
            "panels": [],
            "gridPos": {"x": 0, "y": place.y, "w": COLUMNS, "h": 1},
        }
    written["description"] = panel.description
    if panel.kind in {"text", "logs", "traces"}:
        words = panel.text if panel.kind == "text" else f"In Gnomon: {panel.kind} of the search `{panel.search}`."
        return written | {
            "options": {"mode": "markdown", "content": words},
            "fieldConfig": {"defaults": {}, "overrides": []},
        }
    written |= {
        "datasource": _DATASOURCE,
        "targets": [_target(panel, query, number) for number, query in enumerate(panel.queries)],
        "fieldConfig": {
            "defaults": _defaults(panel.display, panel.kind),
            "overrides": [_override(rule) for rule in panel.display.series],
        },
        "options": _options(panel),
        "transformations": [{"id": "merge", "options": {}}] if panel.kind == "table" and len(panel.queries) > 1 else [],
    }
    if panel.repeat:
        written |= {"repeat": panel.repeat, "repeatDirection": "v" if panel.repeat_direction == "down" else "h"}
    if links := write_links(panel.links):
        written["links"] = links
    return written | ({"interval": panel.min_step} if panel.min_step else {})


def _target(panel: Panel, query: PanelQuery, number: int) -> dict[str, Any]:
    is_table = panel.kind == "table"
    instant = query.instant or is_table
    return {
        "refId": reference(number),
        "datasource": _DATASOURCE,
        "expr": query.expression,
        "legendFormat": query.legend or "__auto",
        "hide": query.hidden,
        "instant": instant,
        "range": not instant,
        "exemplar": query.exemplars,
        "format": "table" if is_table else "heatmap" if panel.kind == "heatmap" else "time_series",
        "editorMode": "code",
    }


def reference(number: int) -> str:
    """Return the letter of a query, counted from 0: A … Z, A1 …."""
    letter = chr(ord("A") + number % 26)
    return letter if number < 26 else f"{letter}{number // 26}"  # noqa: PLR2004 - letters of the alphabet


def _defaults(display: Display, kind: str) -> dict[str, Any]:
    steps = [{"color": _COLORS[step.tone], "value": step.value} for step in display.thresholds]
    if not steps or steps[0]["value"] is not None:
        steps.insert(0, {"color": "green" if not steps else "blue", "value": None})
    defaults: dict[str, Any] = {
        "unit": unit_to_grafana(display.unit),
        "thresholds": {"mode": "absolute", "steps": steps},
        "color": {"mode": "palette-classic" if kind == "timeseries" else "thresholds"},
        "mappings": [_mapping(position, display) for position in range(len(display.names))],
    }
    bounds = {"decimals": display.decimals, "min": display.min, "max": display.max}
    defaults |= {name: value for name, value in bounds.items() if value is not None}
    if kind == "timeseries":
        defaults["custom"] = {
            "drawStyle": {"lines": "line"}.get(display.draw, display.draw),
            "lineWidth": 1,
            "fillOpacity": 30 if display.stack != "none" else 0,
            "showPoints": "never",
            "spanNulls": False,
            "stacking": {"mode": display.stack, "group": "A"},
            "scaleDistribution": {"type": "log", "log": 10} if display.logarithmic else {"type": "linear"},
            "thresholdsStyle": {"mode": "line" if display.thresholds else "off"},
        }
    return defaults


def _mapping(position: int, display: Display) -> dict[str, Any]:
    entry = display.names[position]
    result = {"text": entry.name, "color": _COLORS[entry.tone], "index": position}
    if entry.low is not None and entry.low == entry.high:
        return {"type": "value", "options": {f"{entry.low:g}": result}}
    return {"type": "range", "options": {"from": entry.low, "to": entry.high, "result": result}}


def _override(rule: SeriesRule) -> dict[str, Any]:
    properties: list[dict[str, Any]] = []
    if rule.negative:
        properties.append({"id": "custom.transform", "value": "negative-Y"})
    if rule.unit:
        properties.append({"id": "unit", "value": unit_to_grafana(rule.unit)})
    if rule.title:
        properties.append({"id": "displayName", "value": rule.title})
    if rule.hidden:
        properties.append({"id": "custom.hideFrom", "value": {"viz": True, "legend": True, "tooltip": True}})
    return {"matcher": {"id": "byRegexp", "options": f"/{rule.pattern}/"}, "properties": properties}


def _options(panel: Panel) -> dict[str, Any]:
    display = panel.display
    reduced = {"values": False, "calcs": [_CALCULATIONS[display.calculation]], "fields": ""}
    match panel.kind:
        case "timeseries":
            shown = display.legend != "hidden"
            calculations = ["lastNotNull", "mean", "max"] if display.legend == "table" else []
            mode = display.legend if shown else "list"
            return {
                "legend": {"showLegend": shown, "displayMode": mode, "placement": "bottom", "calcs": calculations},
                "tooltip": {"mode": "multi", "sort": "desc"},
            }
        case "stat":
            return {
                "reduceOptions": reduced,
                "graphMode": "area" if display.sparkline else "none",
                "colorMode": "value",
            }
        case "gauge":
            return {"reduceOptions": reduced, "showThresholdMarkers": True}
        case "bar":
            return {"reduceOptions": reduced, "orientation": "horizontal", "displayMode": "basic"}
        case "heatmap":
            return {"calculate": False, "yAxis": {"unit": unit_to_grafana(display.unit)}, "cellGap": 1}
    return {}
