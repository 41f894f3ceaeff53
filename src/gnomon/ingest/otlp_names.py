"""Names of OpenTelemetry as Prometheus has them.

After "Prometheus and OpenMetrics Compatibility" of the OpenTelemetry specification, in the four strategies that
Prometheus' own OTLP receiver has.
"""

import re
from enum import StrEnum

from gnomon.model.errors import InvalidInputError


class TranslationStrategy(StrEnum):
    """How names are translated; named as in Prometheus' configuration."""

    UNDERSCORES_WITH_SUFFIXES = "UnderscoreEscapingWithSuffixes"
    UNDERSCORES = "UnderscoreEscapingWithoutSuffixes"
    UTF8_WITH_SUFFIXES = "NoUTF8EscapingWithSuffixes"
    NONE = "NoTranslation"

    @property
    def escapes(self) -> bool:
        """Tell whether all but ASCII letters, digits and underscores is replaced."""
        return self in {TranslationStrategy.UNDERSCORES_WITH_SUFFIXES, TranslationStrategy.UNDERSCORES}

    @property
    def adds_suffixes(self) -> bool:
        """Tell whether unit and type are added to names."""
        return self in {TranslationStrategy.UNDERSCORES_WITH_SUFFIXES, TranslationStrategy.UTF8_WITH_SUFFIXES}


class MetricKind(StrEnum):
    """What a metric is, by the names of Prometheus' metadata."""

    COUNTER = "counter"
    GAUGE = "gauge"
    UP_DOWN_COUNTER = "up_down_counter"
    HISTOGRAM = "histogram"
    SUMMARY = "summary"

    @property
    def metadata_type(self) -> str:
        """Return the type that Prometheus calls it by."""
        return "gauge" if self is MetricKind.UP_DOWN_COUNTER else self.value


# UCUM's codes and the plural words that Prometheus' conventions ask for.
_UNITS = {
    "d": "days",
    "h": "hours",
    "min": "minutes",
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
    "By": "bytes",
    "KiBy": "kibibytes",
    "MiBy": "mebibytes",
    "GiBy": "gibibytes",
    "TiBy": "tibibytes",
    "KBy": "kilobytes",
    "MBy": "megabytes",
    "GBy": "gigabytes",
    "TBy": "terabytes",
    "m": "meters",
    "V": "volts",
    "A": "amperes",
    "J": "joules",
    "W": "watts",
    "g": "grams",
    "Cel": "celsius",
    "Hz": "hertz",
    "1": "",
    "%": "percent",
}
_PER_UNITS = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month", "y": "year"}
_NO_NAME = re.compile(r"[^A-Za-z0-9:]+")
_NO_NAME_OR_UNDERSCORE = re.compile(r"[^A-Za-z0-9:_]+")
_NO_LABEL = re.compile(r"[^A-Za-z0-9]")
_NO_LABELS = re.compile(r"[^A-Za-z0-9]+")
_RESERVED = re.compile(r"__(.*)__", re.DOTALL)
_RATIO_UNIT = "1"


def translate_metric_name(name: str, unit: str, kind: MetricKind, strategy: TranslationStrategy) -> str:
    """Return the name of a metric family; raises InvalidInputError where nothing is left of it."""
    if not strategy.escapes:
        translated = _with_suffixes(name, unit, kind) if strategy.adds_suffixes else name
        if not translated:
            message = "The metric has no name."
            raise InvalidInputError(message)
        return translated
    if strategy.adds_suffixes:
        translated = "_".join(_words_with_suffixes(name, unit, kind))
    else:
        translated = "_".join(part for part in _NO_NAME_OR_UNDERSCORE.split(name) if part)
    if translated[:1].isdigit():
        translated = f"_{translated}"
    if not translated or (translated != name and not translated.strip("_")):
        message = f"The metric {name!r} has no letter or digit in its name that Prometheus takes."
        raise InvalidInputError(message)
    return translated


def translate_label_name(
    name: str, strategy: TranslationStrategy, *, prefix_underscore: bool = True, keep_underscores: bool = True
) -> str:
    """Return the name of a label; raises InvalidInputError where nothing is left of it.

    `prefix_underscore` puts `key` before a single leading underscore, `keep_underscores` keeps several in a row.
    """
    translated = name
    if strategy.escapes:
        if keep_underscores:
            translated = _NO_LABEL.sub("_", name)
        elif reserved := _RESERVED.fullmatch(name):
            translated = f"__{_NO_LABELS.sub('_', reserved[1])}__"
        else:
            translated = _NO_LABELS.sub("_", name)
        if translated[:1].isdigit():
            translated = f"key_{translated}"
        elif prefix_underscore and translated.startswith("_") and not translated.startswith("__"):
            translated = f"key{translated}"
    if not translated.strip("_"):
        message = f"The attribute {name!r} has no letter or digit in its name that Prometheus takes."
        raise InvalidInputError(message)
    return translated


def translate_unit(unit: str) -> str:
    """Return a unit in words: `By/s` is `bytes_per_second`."""
    main, per = _unit_words(unit)
    return "_".join(part for part in (_clean(main), _clean(per)) if part).strip("_")


def _unit_words(unit: str) -> tuple[str, str]:
    """Return the words of a unit and of what it is divided by; annotations in braces count for nothing."""
    main, _, per = unit.partition("/")
    main, per = main.strip(), per.strip()
    main = "" if _is_annotated(main) else _UNITS.get(main, main)
    per = "" if _is_annotated(per) else _PER_UNITS.get(per, per)
    return main, f"per_{per}" if per else ""


def _is_annotated(unit: str) -> bool:
    return "{" in unit or "}" in unit


def _clean(unit: str) -> str:
    return re.sub(r"_+", "_", re.sub(r"[^A-Za-z0-9:]", "_", unit)).removeprefix("_")


def _words_with_suffixes(name: str, unit: str, kind: MetricKind) -> list[str]:
    words = [part for part in _NO_NAME.split(name) if part]
    main, per = (_clean(part) for part in _unit_words(unit))
    main = "" if main in words else main
    per = "" if per == "per_" or per.removesuffix("_") in words else per.removesuffix("_")
    if per:
        main = main.removesuffix("_")
    words += [part for part in (main, per) if part]
    if kind is MetricKind.COUNTER:
        words = [word for word in words if word != "total"] + ["total"]
    if unit == _RATIO_UNIT and kind is MetricKind.GAUGE:
        words = [word for word in words if word != "ratio"] + ["ratio"]
    return words


def _with_suffixes(name: str, unit: str, kind: MetricKind) -> str:
    """Return a name as it is, with what is missing of unit and type behind it."""
    main, per = _unit_words(unit)
    ends = []
    if unit == _RATIO_UNIT and kind is MetricKind.GAUGE:
        ends.append("ratio")
    if kind is MetricKind.COUNTER:
        ends.append("total")
    if per:
        ends.append(per)
    for end in ends:
        if name.endswith(end) and len(name) > len(end) + 1:
            name = name[: -len(end) - 1]
    if main and not name.endswith(main):
        name = f"{name}_{main}"
    return "_".join((name, *reversed(ends)))
