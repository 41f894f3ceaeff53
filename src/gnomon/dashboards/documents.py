"""Dashboards as documents: what is stored, exported, imported and shipped, in one shape."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from gnomon.model.errors import InvalidInputError

FORMAT = "gnomon.dashboard/1"
COLUMNS = 24
MAX_PANELS = 500

PanelKind = Literal["timeseries", "stat", "gauge", "bar", "table", "heatmap", "text", "logs", "traces", "row"]
VariableKind = Literal["query", "custom", "interval", "text", "constant"]
Calculation = Literal["last", "first", "mean", "min", "max", "sum", "count", "range"]
Tone = Literal["good", "warn", "bad", "neutral"]

_STRICT = ConfigDict(extra="forbid")
_Name = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$", max_length=64)]
_Line = Annotated[str, Field(max_length=500)]
_Text = Annotated[str, Field(max_length=50_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Tell where a panel stands on a grid of 24 columns; one unit of height is 36 px."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    x: Annotated[int, Field(ge=0, lt=COLUMNS)] = 0
    y: Annotated[int, Field(ge=0, le=10_000)] = 0
    w: Annotated[int, Field(ge=1, le=COLUMNS)] = 12
    h: Annotated[int, Field(ge=1, le=200)] = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelQuery:
    """Ask in PromQL; `legend` names a series with its labels put in: `{{instance}}`."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    expression: _Text = ""
    legend: _Line = ""
    hidden: bool = False
    instant: bool = False
    exemplars: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """Say how values from `value` upwards are to be taken; null is the tone of all below the first."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    value: float | None = None
    tone: Tone = "neutral"


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueName:
    """Call a value, or all from `low` to `high`, by a name: 1 is `Up`."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    low: float | None = None
    high: float | None = None
    name: _Line = ""
    tone: Tone = "neutral"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesRule:
    """Treat the series, or table columns, whose name matches the regular expression differently."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    pattern: _Line
    title: _Line = ""
    unit: _Line = ""
    negative: bool = False
    hidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Display:
    """Say how values are shown."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    unit: Annotated[str, Field(max_length=60)] = "number"
    decimals: Annotated[int, Field(ge=0, le=12)] | None = None
    min: float | None = None
    max: float | None = None
    stack: Literal["none", "normal", "percent"] = "none"
    draw: Literal["lines", "bars", "points"] = "lines"
    logarithmic: bool = False
    legend: Literal["table", "list", "hidden"] = "list"
    calculation: Calculation = "last"
    sparkline: bool = True
    thresholds: Annotated[tuple[Threshold, ...], Field(max_length=50)] = ()
    names: Annotated[tuple[ValueName, ...], Field(max_length=200)] = ()
    series: Annotated[tuple[SeriesRule, ...], Field(max_length=200)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Lead elsewhere: an address of the web, or of Gnomon (`/dashboards/…`), in which `$name` stands for a variable."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    title: _Line
    url: Annotated[str, Field(max_length=2000, pattern=r"^(https?://[^\s]+|/|/[^/\\\s][^\s]*)$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Show one thing. A row is a heading over the panels below it, which it can fold away.

    `search` is in the search language of logs and traces; `text` is Markdown; `min_step` a PromQL duration. `repeat`
    names a variable: the panel is shown once for each of its chosen values, side by side or one below the other.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    id: Annotated[int, Field(ge=1, le=1_000_000)]
    kind: PanelKind
    title: _Line = ""
    description: _Text = ""
    place: Place = Place()
    queries: Annotated[tuple[PanelQuery, ...], Field(max_length=50)] = ()
    min_step: Annotated[str, Field(max_length=32)] = ""
    display: Display = Display()
    text: _Text = ""
    search: _Text = ""
    collapsed: bool = False
    repeat: Annotated[str, Field(max_length=64)] = ""
    repeat_direction: Literal["across", "down"] = "across"
    links: Annotated[tuple[Link, ...], Field(max_length=50)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """Let the reader choose a value that queries hold as `$name`.

    `query` asks for the choices as Grafana writes it (`label_values(up, job)`, `query_result(…)`, `metrics(…)`);
    `regex` keeps those that match, and its first group of them; `options` are the choices of the other kinds.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: _Name
    kind: VariableKind = "query"
    label: _Line = ""
    query: _Text = ""
    regex: _Line = ""
    options: Annotated[tuple[_Line, ...], Field(max_length=1000)] = ()
    default: Annotated[tuple[_Line, ...], Field(max_length=1000)] = ()
    multi: bool = False
    include_all: bool = False
    all_value: _Text = ""
    sort: Literal["none", "ascending", "descending"] = "ascending"
    hidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """Hold panels and variables; `time_from` and `refresh` apply where the address says nothing else."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    title: Annotated[str, Field(min_length=1, max_length=200)]
    description: _Text = ""
    folder: Annotated[str, Field(max_length=200)] = ""
    tags: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=60)], ...], Field(max_length=50)] = ()
    time_from: Annotated[str, Field(max_length=40)] = "now-1h"
    time_to: Annotated[str, Field(max_length=40)] = "now"
    refresh: Annotated[str, Field(max_length=10)] = ""
    variables: Annotated[tuple[Variable, ...], Field(max_length=100)] = ()
    panels: Annotated[tuple[Panel, ...], Field(max_length=MAX_PANELS)] = ()
    links: Annotated[tuple[Link, ...], Field(max_length=50)] = ()


_DASHBOARDS = TypeAdapter(Dashboard)


def read_dashboard(document: object) -> Dashboard:
    """Return the dashboard that decoded JSON or YAML describes; raises InvalidInputError naming each wrong place."""
    if isinstance(document, dict):
        document = {key: value for key, value in document.items() if key != "format"}
    try:
        dashboard = _DASHBOARDS.validate_python(document)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'document'}: {fault['msg']} (got {fault['input']!r:.80})"
            for fault in error.errors()[:5]
        )
        raise InvalidInputError(f"Not a dashboard: {faults}.") from error
    check_dashboard(dashboard)
    return dashboard


def check_dashboard(dashboard: Dashboard) -> None:
    """Check what no field can tell alone; raises InvalidInputError."""
    for noun, names in (
        ("panel id", [str(panel.id) for panel in dashboard.panels]),
        ("variable", [variable.name for variable in dashboard.variables]),
    ):
        name, count = next(iter(Counter(names).most_common(1)), ("", 0))
        if count > 1:
            raise InvalidInputError(f"The {noun} {name!r} stands there {count} times. Give each its own.")


def write_dashboard(dashboard: Dashboard) -> dict[str, Any]:
    """Return the dashboard as values that JSON can hold, with the name of the format."""
    return {"format": FORMAT, **asdict(dashboard)}
