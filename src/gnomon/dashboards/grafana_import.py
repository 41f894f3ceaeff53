"""Read Grafana's dashboard JSON, and say panel by panel what Gnomon shows differently or not at all.

The classic model (https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/), as
Grafana 4 to 12 write it; also wrapped as the HTTP API (`dashboard`, `meta`) and its Kubernetes form (`spec`) do.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from gnomon.dashboards.documents import COLUMNS, MAX_PANELS, Dashboard, Panel, Place, read_dashboard
from gnomon.dashboards.grafana_json import mapping, mappings, number, text
from gnomon.dashboards.grafana_links import map_links
from gnomon.dashboards.grafana_panels import map_panel
from gnomon.dashboards.grafana_variables import map_variable
from gnomon.model.errors import InvalidInputError

_PIXELS_PER_UNIT = 30
_OLD_SPANS = 12


@dataclass(frozen=True, slots=True)
class Finding:
    """Tell what could not be mapped; `panel_id` and `panel` are null where it concerns the whole dashboard."""

    panel_id: int | None
    panel: str | None
    message: str


@dataclass(frozen=True, slots=True)
class ImportedDashboard:
    """Hold a dashboard that was read from JSON, not kept yet, and what did not come along; `source` is its format."""

    source: str
    dashboard: Dashboard
    findings: tuple[Finding, ...]


def import_dashboard(document: object) -> ImportedDashboard:
    """Read our own JSON or Grafana's; raises InvalidInputError when it is neither."""
    if not isinstance(document, Mapping):
        raise InvalidInputError("A dashboard is a JSON object. Paste the whole file, from the first brace to the last.")
    if isinstance(document.get("format"), str):
        return ImportedDashboard("gnomon", read_dashboard(dict(document)), ())
    return _import_grafana(_unwrap(document))


def _unwrap(document: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = next((document[key] for key in ("dashboard", "spec") if isinstance(document.get(key), Mapping)), document)
    if isinstance(inner.get("elements"), Mapping):
        raise InvalidInputError("This is Grafana's schema v2. Export the dashboard from Grafana in the classic format.")
    if not isinstance(inner.get("panels"), list) and not isinstance(inner.get("rows"), list):
        keys = ", ".join(sorted(map(str, inner))[:8]) or "nothing"
        raise InvalidInputError(f"This is no dashboard: it has neither panels nor rows, but {keys}.")
    return inner


def _import_grafana(document: Mapping[str, Any]) -> ImportedDashboard:
    findings: list[Finding] = []

    def note(message: str) -> None:
        findings.append(Finding(None, None, message))

    templates = mappings(mapping(document.get("templating")).get("list"))
    variables = [variable for template in templates if (variable := map_variable(template, note)) is not None]
    if any(not annotation.get("builtIn") for annotation in mappings(mapping(document.get("annotations")).get("list"))):
        note("Annotations are not shown.")
    links = map_links(document.get("links"), note)
    panels: list[Panel] = []
    for placed in _placed(document):
        if len(panels) == MAX_PANELS:
            note(f"Only the first {MAX_PANELS} panels are taken.")
            break
        messages: list[str] = []
        panel = replace(map_panel(placed.panel, placed.place, messages.append), id=len(panels) + 1)
        panels.append(panel)
        findings += [Finding(panel.id, panel.title or f"Panel {panel.id}", message) for message in messages]
    time = mapping(document.get("time"))
    dashboard = Dashboard(
        title=text(document.get("title"))[:200] or "Imported dashboard",
        description=text(document.get("description")),
        tags=tuple(tag[:60] for tag in document.get("tags") or () if isinstance(tag, str) and tag)[:50],
        time_from=text(time.get("from"))[:40] or "now-1h",
        time_to=text(time.get("to"))[:40] or "now",
        refresh=text(document.get("refresh"))[:10],
        variables=tuple(variables),
        panels=tuple(panels),
        links=links,
    )
    # Read once more, so that what stands in the file in an unexpected shape is refused here and not when it is kept.
    return ImportedDashboard("grafana", read_dashboard(asdict(dashboard)), tuple(findings))


@dataclass(frozen=True, slots=True)
class _Placed:
    panel: Mapping[str, Any]
    place: Place


def _placed(document: Mapping[str, Any]) -> Iterator[_Placed]:
    if isinstance(document.get("panels"), list):
        yield from _from_grid(document)
    else:
        yield from _from_rows(document)


def _from_grid(document: Mapping[str, Any]) -> Iterator[_Placed]:
    """Yield panels from top to bottom; what a folded row holds stands below it, and all else moves down."""
    shift = 0
    listed = sorted(mappings(document.get("panels")), key=_corner)
    for panel in listed:
        place = _place(panel, shift)
        yield _Placed(panel, place)
        inner = sorted(mappings(panel.get("panels")), key=_corner)
        if panel.get("type") != "row" or not inner:
            continue
        top = _corner(inner[0])[0]
        nested_shift = place.y + 1 - top
        yield from (_Placed(nested, _place(nested, nested_shift)) for nested in inner)
        shift += max(_corner(nested)[0] + _place(nested, 0).h for nested in inner) - top


def _from_rows(document: Mapping[str, Any]) -> Iterator[_Placed]:
    """Yield the panels of a dashboard older than Grafana 5: rows of panels with a span of twelfths."""
    y = 0
    for row in mappings(document.get("rows")):
        if row.get("showTitle") or row.get("collapse"):
            yield _Placed(
                {**row, "type": "row", "collapsed": bool(row.get("collapse"))}, Place(x=0, y=y, w=COLUMNS, h=1)
            )
            y += 1
        height = max(3, round(_pixels(row.get("height")) / _PIXELS_PER_UNIT))
        x = 0
        for panel in mappings(row.get("panels")):
            width = max(2, round((number(panel.get("span")) or _OLD_SPANS) * COLUMNS / _OLD_SPANS))
            if x + width > COLUMNS:
                x, y = 0, y + height
            yield _Placed(panel, Place(x=x, y=y, w=min(width, COLUMNS), h=height))
            x += width
        y += height


def _pixels(height: object) -> float:
    if isinstance(height, str):
        height = height.removesuffix("px")
    try:
        return float(str(height))
    except ValueError:
        return 250.0


def _corner(panel: Mapping[str, Any]) -> tuple[int, int]:
    grid = mapping(panel.get("gridPos"))
    return int(number(grid.get("y")) or 0), int(number(grid.get("x")) or 0)


def _place(panel: Mapping[str, Any], shift: int) -> Place:
    grid = mapping(panel.get("gridPos"))
    y, x = _corner(panel)
    x = min(max(x, 0), COLUMNS - 1)
    width = int(number(grid.get("w")) or (COLUMNS if panel.get("type") == "row" else COLUMNS // 2))
    height = int(number(grid.get("h")) or 8)
    return Place(
        x=x,
        y=max(0, y + shift),
        w=min(max(width, 1), COLUMNS - x),
        h=1 if panel.get("type") == "row" else min(max(height, 1), 200),
    )
