"""What to offer while a query is typed, best first, as texts to insert with a detail for people."""

from collections.abc import Sequence

from gnomon.model.filter_text import field_text, value_text
from gnomon.model.log_records import FieldInfo, FieldKind, ValueCount

_MAX_FIELDS = 30
_OPERATORS = (
    (":", "is"),
    ("!=", "is not"),
    (":~", "contains"),
    ("=~", "matches a regular expression"),
    ("!~", "does not match"),
    (">", "is greater than"),
    (">=", "is at least"),
    ("<", "is less than"),
    ("<=", "is at most"),
    (":*", "is there"),
)


def suggest_fields(fields: Sequence[FieldInfo], prefix: str) -> list[tuple[str, str]]:
    """Return fields whose name begins with `prefix`, then those that hold it anywhere."""
    wanted = prefix.lstrip("\"'").lower()
    found = [field for field in fields if wanted in field.name.lower()]
    found.sort(
        key=lambda field: (
            not field.name.lower().startswith(wanted),
            field.kind is not FieldKind.BUILT_IN,
            -(field.count or 0),
        )
    )
    return [(field_text(field.name), field.description or f"{field.kind.value} field") for field in found[:_MAX_FIELDS]]


def suggest_operators() -> list[tuple[str, str]]:
    """Return the operators."""
    return list(_OPERATORS)


def suggest_values(values: Sequence[ValueCount]) -> list[tuple[str, str]]:
    """Return values as they are written in a query, with their counts."""
    return [(value_text(value.value), f"{value.count:,} lines") for value in values]
