"""Units of Grafana's panels and ours, each way."""

# The first of several that mean the same is the one to export.
_PAIRS = (
    ("number", "short"),
    ("number", "none"),
    ("number", "sishort"),
    ("number", "locale"),
    ("percent", "percent"),
    ("share", "percentunit"),
    ("seconds", "s"),
    ("seconds", "dtdurations"),
    ("seconds", "clocks"),
    ("milliseconds", "ms"),
    ("milliseconds", "dtdurationms"),
    ("milliseconds", "clockms"),
    ("microseconds", "µs"),
    ("nanoseconds", "ns"),
    ("minutes", "m"),
    ("hours", "h"),
    ("days", "d"),
    ("bytes", "bytes"),
    ("bytes", "decbytes"),
    ("kibibytes", "kbytes"),
    ("kibibytes", "deckbytes"),
    ("mebibytes", "mbytes"),
    ("mebibytes", "decmbytes"),
    ("gibibytes", "gbytes"),
    ("gibibytes", "decgbytes"),
    ("bits", "bits"),
    ("bits", "decbits"),
    ("bytes_per_second", "binBps"),
    ("bytes_per_second", "Bps"),
    ("kibibytes_per_second", "KiBs"),
    ("kibibytes_per_second", "KBs"),
    ("mebibytes_per_second", "MiBs"),
    ("mebibytes_per_second", "MBs"),
    ("bits_per_second", "bps"),
    ("bits_per_second", "binbps"),
    ("per_second", "cps"),
    ("per_second", "ops"),
    ("per_second", "reqps"),
    ("per_second", "rps"),
    ("per_second", "wps"),
    ("per_second", "iops"),
    ("per_second", "eps"),
    ("per_second", "mps"),
    ("per_second", "pps"),
    ("per_second", "recps"),
    ("per_second", "rowsps"),
    ("per_minute", "opm"),
    ("per_minute", "rpm"),
    ("per_minute", "cpm"),
    ("per_minute", "reqpm"),
    ("hertz", "hertz"),
    ("hertz", "rothz"),
    ("celsius", "celsius"),
    ("volts", "volt"),
    ("amperes", "amp"),
    ("watts", "watt"),
    ("joules", "joule"),
    ("dollars", "currencyUSD"),
    ("euros", "currencyEUR"),
    ("moment_ms", "dateTimeAsIso"),
    ("moment_ms", "dateTimeFromNow"),
    ("moment_ms", "dateTimeAsLocal"),
    ("moment_ms", "dateTimeAsSystem"),
    ("moment_ms", "dateTimeAsUS"),
    ("yes_or_no", "bool_yes_no"),
    ("yes_or_no", "bool"),
    ("yes_or_no", "bool_on_off"),
)
_OURS = {theirs: ours for ours, theirs in _PAIRS}
_THEIRS = dict(reversed(_PAIRS))
_CUSTOM = ("suffix:", "prefix:")

UNITS = frozenset(_THEIRS)


def unit_from_grafana(unit: str) -> str | None:
    """Return our unit, or None where there is none; `suffix:jobs` and `prefix:#` stay as they are."""
    if unit == "":
        return "number"
    if unit.startswith(_CUSTOM):
        return unit[:60]
    return _OURS.get(unit)


def unit_to_grafana(unit: str) -> str:
    """Return Grafana's unit."""
    return unit if unit.startswith(_CUSTOM) else _THEIRS.get(unit, "short")
