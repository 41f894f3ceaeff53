"""Panels of Grafana's dashboards as ours."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from gnomon.dashboards.documents import (
    Calculation,
    Display,
    Panel,
    PanelKind,
    PanelQuery,
    Place,
    SeriesRule,
    Threshold,
    Tone,
    ValueName,
)
from gnomon.dashboards.grafana_json import mapping, mappings, number, text
from gnomon.dashboards.grafana_links import map_links
from gnomon.dashboards.grafana_units import unit_from_grafana

Note = Callable[[str], None]

_KINDS: dict[str, PanelKind] = {
    "timeseries": "timeseries",
    "graph": "timeseries",
    "stat": "stat",
    "singlestat": "stat",
    "gauge": "gauge",
    "bargauge": "bar",
    "table": "table",
    "table-old": "table",
    "heatmap": "heatmap",
    "text": "text",
    "row": "row",
}
_NEAREST: dict[str, tuple[PanelKind, str]] = {
    "barchart": ("bar", "A bar chart is shown as bars of the last values."),
    "piechart": ("bar", "A pie chart is shown as bars, which compare better."),
    "state-timeline": ("timeseries", "A state timeline is drawn as lines."),
    "status-history": ("timeseries", "A status history is drawn as lines."),
    "trend": ("timeseries", "A trend is drawn over time."),
    "histogram": ("bar", "A histogram is shown as bars of the last values."),
    "logs": ("logs", "Its query is for another log store; write the search anew."),
    "traces": ("traces", "Its query is for another trace store; write the search anew."),
}
_CALCULATIONS: dict[str, Calculation] = {
    "lastNotNull": "last",
    "last": "last",
    "current": "last",
    "firstNotNull": "first",
    "first": "first",
    "mean": "mean",
    "avg": "mean",
    "min": "min",
    "max": "max",
    "sum": "sum",
    "total": "sum",
    "count": "count",
    "range": "range",
}
_TONES: tuple[tuple[str, Tone], ...] = (
    ("green", "good"),
    ("red", "bad"),
    ("orange", "warn"),
    ("yellow", "warn"),
)
_RED_FROM, _DIM_TO = 180, 120
_COSMETIC = re.compile(
    r"color|custom\.(line|fill|point|draw|show|axis|bar|gradient|width|align|span|scale|thresholds|insert|cell|display|filter|inspect)"
)


def map_panel(panel: Mapping[str, Any], place: Place, note: Note) -> Panel:
    """Return our panel at `place`; `note` is told what is shown differently or not at all."""
    kind = text(panel.get("type"))
    title, description = text(panel.get("title"))[:500], text(panel.get("description"))
    if kind == "row":
        if panel.get("repeat"):
            note(f"The row is not repeated for each ${text(panel['repeat'])}: its panels show all chosen values.")
        return Panel(id=1, kind="row", title=title, place=place, collapsed=bool(panel.get("collapsed")))
    if kind == "text":
        return Panel(id=1, kind="text", title=title, description=description, place=place, text=_markdown(panel, note))
    ours = _KINDS.get(kind)
    if ours is None and kind in _NEAREST:
        ours, message = _NEAREST[kind]
        note(message)
    if ours is None:
        note(f"There is no panel of type {kind!r}; its place is kept by a text.")
        words = f"In Grafana, a panel of type `{kind}` stands here."
        return Panel(id=1, kind="text", title=title, description=description, place=place, text=words)
    if ours in {"logs", "traces"}:
        return Panel(id=1, kind=ours, title=title, description=description, place=place)
    _note_transformations(panel, note)
    if panel.get("timeFrom") or panel.get("timeShift"):
        note("Its own time range or time shift is not applied: it follows the page.")
    if mapping(panel.get("libraryPanel")):
        note("It is a library panel: what it holds stands in another file.")
    return Panel(
        id=1,
        kind=ours,
        title=title,
        description=description,
        place=place,
        queries=_queries(panel, ours, note),
        min_step=_min_step(panel),
        display=_display(panel, ours, note),
        repeat=text(panel.get("repeat"))[:64],
        repeat_direction="down" if panel.get("repeatDirection") == "v" else "across",
        links=map_links(panel.get("links"), note),
    )


def _queries(panel: Mapping[str, Any], kind: PanelKind, note: Note) -> tuple[PanelQuery, ...]:
    queries = []
    for target in mappings(panel.get("targets")):
        expression = text(target.get("expr"))
        reference = text(target.get("refId")) or "?"
        if not expression:
            source = text(mapping(target.get("datasource")).get("type")) or text(panel.get("datasource"))
            if source == "__expr__":
                note(f"Query {reference} computes with other queries outside PromQL; write it as one expression.")
            elif set(target) - {"refId", "datasource", "hide"}:
                note(f"Query {reference} is not PromQL ({source or 'unknown source'}) and left out.")
            continue
        legend = text(target.get("legendFormat"))
        instant = target.get("instant") is True or (target.get("format") == "table" and target.get("range") is not True)
        queries.append(
            PanelQuery(
                expression=expression,
                legend="" if legend == "__auto" else legend[:500],
                hidden=bool(target.get("hide")),
                instant=instant and kind not in {"timeseries", "heatmap"},
                exemplars=bool(target.get("exemplar")) and kind == "timeseries",
            )
        )
    return tuple(queries)


def _min_step(panel: Mapping[str, Any]) -> str:
    found = [text(panel.get("interval")), *(text(target.get("interval")) for target in mappings(panel.get("targets")))]
    step = next((step for step in found if step and not step.startswith("$")), "")
    return step.removeprefix(">").strip()[:32]


def _display(panel: Mapping[str, Any], kind: PanelKind, note: Note) -> Display:
    config = mapping(panel.get("fieldConfig"))
    defaults = mapping(config.get("defaults"))
    custom = mapping(defaults.get("custom"))
    options = mapping(panel.get("options"))
    if panel.get("type") in {"graph", "singlestat", "table-old"}:
        return _old_display(panel, note)
    low, high = number(defaults.get("min")), number(defaults.get("max"))
    reduce = mapping(options.get("reduceOptions"))
    decimals = number(defaults.get("decimals"))
    return Display(
        unit=_unit(text(defaults.get("unit")) or _heatmap_unit(options, kind), note),
        decimals=None if decimals is None else min(max(int(decimals), 0), 12),
        min=low,
        max=high,
        stack=_stack(mapping(custom.get("stacking")).get("mode")),
        draw=_draw(text(custom.get("drawStyle"))),
        logarithmic=mapping(custom.get("scaleDistribution")).get("type") == "log",
        legend=_legend(mapping(options.get("legend"))),
        calculation=_calculation(reduce, note),
        sparkline=options.get("graphMode", "area") != "none",
        thresholds=_thresholds(mapping(defaults.get("thresholds")), low, high, note),
        names=_names(defaults.get("mappings"), note),
        series=(*_rules(mappings(config.get("overrides")), note), *_column_rules(panel)),
    )


def _old_display(panel: Mapping[str, Any], note: Note) -> Display:
    """Map the panels that Grafana drew before version 7."""
    axes = mappings(panel.get("yaxes"))
    axis = axes[0] if axes else {}
    legend = mapping(panel.get("legend"))
    decimals = number(panel.get("decimals"))
    overrides = mappings(panel.get("seriesOverrides"))
    if any(found.get("yaxis") == 2 for found in overrides):  # noqa: PLR2004 - Grafana's number of the right axis
        note("The second axis is left out: all series share one.")
    rules = tuple(
        SeriesRule(pattern=text(found.get("alias")).strip("/")[:500], negative=True)
        for found in overrides
        if found.get("transform") == "negative-Y" and found.get("alias")
    )
    stack: Any = "none"
    if panel.get("stack"):
        stack = "percent" if panel.get("percentage") else "normal"
    shown = legend.get("show", True)
    as_table = legend.get("alignAsTable") or legend.get("values")
    low, high = number(axis.get("min")), number(axis.get("max"))
    if panel.get("type") == "singlestat":
        gauge = mapping(panel.get("gauge"))
        low, high = (
            (number(gauge.get("minValue")), number(gauge.get("maxValue"))) if gauge.get("show") else (None, None)
        )
    steps = [number(step) for step in text(panel.get("thresholds")).split(",")] if panel.get("thresholds") else []
    tones: tuple[Tone, ...] = ("good", "warn", "bad")
    found = [value for value in steps if value is not None]
    return Display(
        unit=_unit(text(axis.get("format")) or text(panel.get("format")), note),
        decimals=None if decimals is None else min(max(int(decimals), 0), 12),
        min=low,
        max=high,
        stack=stack,
        draw="bars" if panel.get("bars") and not panel.get("lines", True) else "lines",
        logarithmic=number(axis.get("logBase")) not in {None, 1.0},
        legend="hidden" if not shown else "table" if as_table else "list",
        calculation=_CALCULATIONS.get(text(panel.get("valueName")), "last"),
        sparkline=bool(mapping(panel.get("sparkline")).get("show")),
        thresholds=tuple(Threshold(value=value, tone=tone) for value, tone in zip([None, *found], tones, strict=False))
        if found
        else (),
        series=rules,
    )


def _unit(unit: str, note: Note) -> str:
    found = unit_from_grafana(unit)
    if found is None:
        note(f"The unit {unit!r} is not known; values are shown as plain numbers.")
        return "number"
    return found


def _heatmap_unit(options: Mapping[str, Any], kind: PanelKind) -> str:
    return text(mapping(options.get("yAxis")).get("unit")) if kind == "heatmap" else ""


def _stack(mode: object) -> Any:
    return mode if mode in {"normal", "percent"} else "none"


def _draw(style: str) -> Any:
    return {"bars": "bars", "points": "points"}.get(style, "lines")


def _legend(legend: Mapping[str, Any]) -> Any:
    if legend.get("showLegend") is False or legend.get("displayMode") == "hidden":
        return "hidden"
    return "table" if legend.get("displayMode") == "table" else "list"


def _calculation(reduce: Mapping[str, Any], note: Note) -> Calculation:
    wanted = next((name for name in reduce.get("calcs") or () if isinstance(name, str)), "lastNotNull")
    if wanted not in _CALCULATIONS:
        note(f"The calculation {wanted!r} is not known; the last value is shown.")
    return _CALCULATIONS.get(wanted, "last")


def _thresholds(
    thresholds: Mapping[str, Any], low: float | None, high: float | None, note: Note
) -> tuple[Threshold, ...]:
    steps = mappings(thresholds.get("steps"))
    values = [number(step.get("value")) for step in steps]
    if thresholds.get("mode") == "percentage":
        if any(value is not None for value in values) and (low is None or high is None):
            note("Thresholds in percent need a minimum and a maximum; they are taken of 0 to 100.")
        bottom, top = low if low is not None else 0.0, high if high is not None else 100.0
        values = [None if value is None else bottom + (top - bottom) * value / 100 for value in values]
    # A lone base colours everything: that is decoration, not a threshold.
    if all(value is None for value in values):
        return ()
    pairs = zip(values, steps, strict=True)
    found = [Threshold(value=value, tone=tone_of(text(step.get("color")))) for value, step in pairs]
    return tuple(sorted(found, key=lambda step: float("-inf") if step.value is None else step.value))


def tone_of(color: str) -> Tone:
    """Return which state a colour of Grafana's stands for: names, `#rrggbb` and `rgba(…)`."""
    named = next((tone for name, tone in _TONES if name in color), None)
    if named is not None:
        return named
    if match := re.fullmatch(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})", color):
        red, green, blue = (int(part, 16) for part in match.groups())
    elif match := re.match(r"rgba?\((\d+),\s*(\d+),\s*(\d+)", color):
        red, green, blue = (int(part) for part in match.groups())
    else:
        return "neutral"
    if red >= _RED_FROM and green > _DIM_TO >= blue:
        return "warn"
    if red > max(green, blue):
        return "bad"
    return "good" if green > max(red, blue) else "neutral"


def _names(listed: object, note: Note) -> tuple[ValueName, ...]:
    names: list[ValueName] = []
    for entry in mappings(listed):
        options = mapping(entry.get("options"))
        match text(entry.get("type")):
            case "value":
                for value, result in options.items():
                    exact = number(value)
                    if exact is None:
                        note(f"The value mapping of {value!r} is left out: it is no number.")
                    else:
                        names.append(_value_name(exact, exact, result))
            case "range":
                names.append(_value_name(number(options.get("from")), number(options.get("to")), options.get("result")))
            case "special":
                note("A value mapping of null or NaN is left out: missing values are shown as a dash.")
            case kind:
                note(f"A value mapping of type {kind!r} is left out.")
    return tuple(names)


def _value_name(low: float | None, high: float | None, result: object) -> ValueName:
    shown = mapping(result)
    return ValueName(low=low, high=high, name=text(shown.get("text"))[:500], tone=tone_of(text(shown.get("color"))))


def _rules(overrides: list[Mapping[str, Any]], note: Note) -> tuple[SeriesRule, ...]:
    rules: list[SeriesRule] = []
    left_out: set[str] = set()
    for override in overrides:
        matcher = mapping(override.get("matcher"))
        pattern = _pattern(matcher)
        changes: dict[str, Any] = {}
        for prop in mappings(override.get("properties")):
            change = _change(text(prop.get("id")), prop.get("value"), note)
            if isinstance(change, str):
                left_out.add(change)
            else:
                changes |= change
        if pattern is None and changes:
            left_out.add(f"overrides by {text(matcher.get('id'))!r}")
        elif pattern is not None and any(changes.values()):
            rules.append(SeriesRule(pattern=pattern, **changes))
    if left_out:
        note(f"Not taken over: {', '.join(sorted(left_out))}.")
    return tuple(rules)


def _change(name: str, value: object, note: Note) -> dict[str, Any] | str:
    """Return what a property of an override changes in a rule of ours, or what to call it where it changes nothing."""
    match name:
        case "custom.transform":
            return {"negative": value == "negative-Y"}
        case "unit":
            return {"unit": _unit(text(value), note)}
        case "displayName":
            return {"title": text(value)[:500]}
        case "custom.hidden":
            return {"hidden": bool(value)}
        case "custom.hideFrom":
            return {"hidden": bool(mapping(value).get("viz"))}
        case "custom.axisPlacement" if value == "right":
            return "a second axis"
        case "custom.stacking":
            return "stacking of single series"
    return "colours and line styles of single series" if _COSMETIC.match(name) else name


def _pattern(matcher: Mapping[str, Any]) -> str | None:
    options = text(matcher.get("options"))
    match text(matcher.get("id")):
        case "byName":
            return f"^{re.escape(options)}$"[:500]
        case "byRegexp":
            return options.removeprefix("/").removesuffix("/")[:500]
    return None


def _column_rules(panel: Mapping[str, Any]) -> tuple[SeriesRule, ...]:
    """Return the names and absences that the transformation `organize` gives to the columns of a table."""
    rules: list[SeriesRule] = []
    for transformation in mappings(panel.get("transformations")):
        if transformation.get("id") != "organize":
            continue
        options = mapping(transformation.get("options"))
        renamed, excluded = mapping(options.get("renameByName")), mapping(options.get("excludeByName"))
        for name in dict.fromkeys([*renamed, *excluded]):
            title, hidden = text(renamed.get(name)), bool(excluded.get(name))
            if title or hidden:
                rules.append(SeriesRule(pattern=f"^{re.escape(str(name))}$"[:500], title=title[:500], hidden=hidden))
    return tuple(rules)


def _note_transformations(panel: Mapping[str, Any], note: Note) -> None:
    # Results of several queries are always joined in one table: `merge` needs no doing.
    done = {"organize", "merge"}
    left = sorted({text(found.get("id")) for found in mappings(panel.get("transformations"))} - done)
    if left:
        note(f"Transformations are left out: {', '.join(left)}.")


def _markdown(panel: Mapping[str, Any], note: Note) -> str:
    options = mapping(panel.get("options"))
    content = text(options.get("content")) or text(panel.get("content"))
    mode = text(options.get("mode")) or text(panel.get("mode")) or "markdown"
    if mode == "code":
        return f"```\n{content}\n```"
    if mode == "html":
        note("HTML is shown as text: only Markdown is rendered.")
    return content
