"""What message templates see of a notification: Alertmanager's data, with the same fields and methods."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from gnomon.alerting.fired_alerts import FiredAlert, any_firing, format_time
from gnomon.alerting.template_values import Methods, Record
from gnomon.model.labels import Labels

Method = Callable[..., Any]

_NS = 1_000_000_000
_ALERT_NAME = "alertname"
_QUOTED = re.compile(r"([\\.+*?()|\[\]{}^$])")
# Go's layouts show what a fixed moment looks like; longer parts come first.
_LAYOUT = re.compile(
    r"January|Jan|Monday|Mon|MST|2006|-07:00|-0700|-07|Z07:00|\.0+|\.9+|,0+|,9+|01|02|03|04|05|06|15|PM|pm|_2|1|2|3|4|5"
)


class Pairs(list[Record], Methods):
    """Names and values in order."""

    methods: ClassVar[Mapping[str, Method]] = MappingProxyType(
        {
            "Names": lambda pairs: [pair.fields["Name"] for pair in pairs],
            "Values": lambda pairs: [pair.fields["Value"] for pair in pairs],
            "String": lambda pairs: ", ".join(f"{pair.fields['Name']}={pair.fields['Value']}" for pair in pairs),
        }
    )


def _sorted_pairs(values: Mapping[str, str]) -> Pairs:
    names = sorted(values, key=lambda name: (name != _ALERT_NAME, name))
    return Pairs(Record({"Name": name, "Value": values[name]}) for name in names)


class KeyValues(dict[str, str], Methods):
    """Labels or annotations; what is not there is empty."""

    methods: ClassVar[Mapping[str, Method]] = MappingProxyType(
        {
            "SortedPairs": _sorted_pairs,
            "Names": lambda values: Pairs.methods["Names"](_sorted_pairs(values)),
            "Values": lambda values: Pairs.methods["Values"](_sorted_pairs(values)),
            "Remove": lambda values, names: KeyValues({k: v for k, v in values.items() if k not in names}),
            "String": lambda values: Pairs.methods["String"](_sorted_pairs(values)),
        }
    )


class MessageAlerts(list[Record], Methods):
    """The alerts of a notification."""

    methods: ClassVar[Mapping[str, Method]] = MappingProxyType(
        {
            "Firing": lambda alerts: _of_status(alerts, "firing"),
            "Resolved": lambda alerts: _of_status(alerts, "resolved"),
        }
    )


@dataclass(frozen=True, slots=True)
class GoDuration(Methods):
    """A length of time that prints as in Go."""

    duration_ns: int
    methods: ClassVar[Mapping[str, Method]] = MappingProxyType(
        {
            "Hours": lambda self: self.duration_ns / 3.6e12,
            "Minutes": lambda self: self.duration_ns / 6e10,
            "Seconds": lambda self: self.duration_ns / 1e9,
            "String": lambda self: _format_duration(self.duration_ns),
        }
    )


@dataclass(frozen=True, slots=True)
class GoTime(Methods):
    """A moment that prints and is formatted as in Go; `time_ns` is Unix nanoseconds, 0 the year 1."""

    time_ns: int
    zone: Any = field(default=UTC)
    methods: ClassVar[Mapping[str, Method]] = MappingProxyType(
        {
            "Format": lambda self, layout: self.format(layout),
            "UTC": lambda self: GoTime(self.time_ns),
            "Local": lambda self: GoTime(self.time_ns),
            "Unix": lambda self: self.time_ns // _NS,
            "UnixNano": lambda self: self.time_ns,
            "UnixMilli": lambda self: self.time_ns // 1_000_000,
            "IsZero": lambda self: self.time_ns == 0,
            "Sub": lambda self, other: GoDuration(self.time_ns - other.time_ns),
            "Add": lambda self, length: GoTime(self.time_ns + length.duration_ns, self.zone),
            "After": lambda self, other: self.time_ns > other.time_ns,
            "Before": lambda self, other: self.time_ns < other.time_ns,
            "String": lambda self: self.format("2006-01-02 15:04:05.999999999 -0700 MST"),
        }
    )

    def format(self, layout: str) -> str:
        """Return the moment in a layout of Go's."""
        when = self._moment()
        return _LAYOUT.sub(lambda found: _format_part(found[0], when, self.time_ns % _NS), layout)

    def in_zone(self, name: str) -> "GoTime":
        """Return the same moment elsewhere."""
        return GoTime(self.time_ns, ZoneInfo(name))

    def _moment(self) -> datetime:
        if self.time_ns == 0:
            return datetime(1, 1, 1, tzinfo=UTC)
        return datetime.fromtimestamp(self.time_ns // _NS, self.zone)


def _format_part(part: str, when: datetime, rest_ns: int) -> str:
    offset = when.utcoffset() or timedelta()
    minutes = abs(round(offset.total_seconds())) // 60
    sign, hours = ("-" if offset < timedelta() else "+"), f"{minutes // 60:02d}"
    if part[0] in ".,":
        decimals = f"{rest_ns:09d}"[: len(part) - 1]
        shown = decimals if part[1] == "0" else decimals.rstrip("0")
        return f"{part[0]}{shown}" if shown else ""
    simple: dict[str, Callable[[], str]] = {
        "January": lambda: f"{when:%B}",
        "Jan": lambda: f"{when:%b}",
        "Monday": lambda: f"{when:%A}",
        "Mon": lambda: f"{when:%a}",
        "MST": lambda: when.tzname() or "UTC",
        "2006": lambda: f"{when.year:04d}",
        "06": lambda: f"{when:%y}",
        "01": lambda: f"{when:%m}",
        "1": lambda: str(when.month),
        "02": lambda: f"{when:%d}",
        "_2": lambda: f"{when.day:2d}",
        "2": lambda: str(when.day),
        "15": lambda: f"{when:%H}",
        "03": lambda: f"{when:%I}",
        "3": lambda: str(when.hour % 12 or 12),
        "04": lambda: f"{when:%M}",
        "4": lambda: str(when.minute),
        "05": lambda: f"{when:%S}",
        "5": lambda: str(when.second),
        "PM": lambda: f"{when:%p}",
        "pm": f"{when:%p}".lower,
        "-0700": lambda: f"{sign}{hours}{minutes % 60:02d}",
        "-07:00": lambda: f"{sign}{hours}:{minutes % 60:02d}",
        "-07": lambda: f"{sign}{hours}",
        "Z07:00": lambda: f"{sign}{hours}:{minutes % 60:02d}" if minutes else "Z",
    }
    return simple[part]()


def _format_duration(duration_ns: int) -> str:
    if duration_ns == 0:
        return "0s"
    sign, rest = ("-" if duration_ns < 0 else ""), abs(duration_ns)
    if rest < _NS:
        for unit, size in (("ms", 1_000_000), ("µs", 1000), ("ns", 1)):
            if rest >= size:
                return f"{sign}{rest / size:.10g}{unit}"
    minutes, seconds_ns = divmod(rest, 60 * _NS)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{seconds_ns // _NS}" + (f".{seconds_ns % _NS:09d}".rstrip("0") if seconds_ns % _NS else "")
    shown = f"{hours}h{minutes}m" if hours else (f"{minutes}m" if minutes else "")
    return f"{sign}{shown}{seconds}s"


def _of_status(alerts: Iterable[Record], status: str) -> MessageAlerts:
    return MessageAlerts(alert for alert in alerts if alert.fields["Status"] == status)


@dataclass(frozen=True, slots=True)
class Message:
    """What is told to one receiver about one group; `now_ns` decides which alerts have ended."""

    receiver: str
    group_key: str
    group_labels: Labels
    alerts: tuple[FiredAlert, ...]
    now_ns: int
    external_url: str

    @property
    def is_firing(self) -> bool:
        """Tell whether an alert has not ended."""
        return any_firing(self.alerts, self.now_ns)

    @property
    def status(self) -> str:
        """Return `firing` or `resolved`."""
        return "firing" if self.is_firing else "resolved"


def message_record(message: Message) -> Record:
    """Return what templates see."""
    return Record(
        {
            "Receiver": _QUOTED.sub(r"\\\1", message.receiver),
            "Status": message.status,
            "Alerts": MessageAlerts(_alert_record(alert, message.now_ns) for alert in message.alerts),
            "GroupLabels": KeyValues(message.group_labels),
            "CommonLabels": KeyValues(_common([alert.labels.to_dict() for alert in message.alerts])),
            "CommonAnnotations": KeyValues(_common([alert.annotations for alert in message.alerts])),
            "ExternalURL": message.external_url,
        }
    )


def _alert_record(alert: FiredAlert, now_ns: int) -> Record:
    resolved = alert.is_resolved(now_ns)
    return Record(
        {
            "Status": "resolved" if resolved else "firing",
            "Labels": KeyValues(alert.labels),
            "Annotations": KeyValues(alert.annotations),
            "StartsAt": GoTime(alert.starts_at_ns),
            "EndsAt": GoTime(alert.ends_at_ns if resolved else 0),
            "GeneratorURL": alert.generator_url,
            "Fingerprint": alert.fingerprint_text,
        }
    )


def _common(sets: Sequence[Mapping[str, str]]) -> dict[str, str]:
    if not sets:
        return {}
    return {name: value for name, value in sets[0].items() if all(other.get(name) == value for other in sets[1:])}


def to_plain(value: Any) -> Any:
    """Return a value of a template as JSON holds it: fields begin in lower case, as in Alertmanager's messages."""
    match value:
        case GoTime():
            return format_time(value.time_ns)
        case GoDuration():
            return value.duration_ns
        case Record():
            return {_json_name(name): to_plain(part) for name, part in value.fields.items()}
        case Mapping():
            return {name: to_plain(value[name]) for name in sorted(value)}
        case list() | tuple():
            return [to_plain(part) for part in value]
        case _:
            return value


def _json_name(name: str) -> str:
    return name[:1].lower() + name[1:]
