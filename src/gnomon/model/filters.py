"""Filters over spans and log records: the tree that the search language means.

One tree serves both signals. `gnomon.model.filter_language` makes it from text, `gnomon.storage.filter_sql` turns it
into SQL with bound parameters, and nothing else needs to know either of them.

Fields. Short names are built in and depend on the signal (`service`, `name`, `duration`, `status`, `level`,
`trace_id`, …); every other name is an attribute, looked up in the record's own attributes and then in those of its
resource. The prefixes `attributes.` (also `span.`, `log.`) and `resource.` pick one of the two.
"""

import dataclasses
from dataclasses import dataclass
from enum import StrEnum


class Operator(StrEnum):
    """Compare a field with a value."""

    EQUAL = "="
    NOT_EQUAL = "!="
    MATCH = "=~"
    NOT_MATCH = "!~"
    CONTAINS = ":~"
    GREATER = ">"
    GREATER_OR_EQUAL = ">="
    LESS = "<"
    LESS_OR_EQUAL = "<="
    EXISTS = "exists"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Keep records whose `field` compares with `value`.

    Regular expressions are RE2 and unanchored. `value` is the text as written (`1s`, `500`, `warn`): what it means
    depends on the field. `position` is the offset in the query of the comparison's first character, for errors that
    are found later; it makes no difference to equality.
    """

    field: str
    operator: Operator
    value: str = ""
    position: int = dataclasses.field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Text:
    """Keep records whose text (a log's body, a span's name) contains the word or phrase, ignoring case."""

    phrase: str
    position: int = dataclasses.field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    """Keep what `operand` does not."""

    operand: "Filter"


@dataclass(frozen=True, slots=True)
class And:
    """Keep what all operands keep; with none, everything."""

    operands: tuple["Filter", ...] = ()


@dataclass(frozen=True, slots=True)
class Or:
    """Keep what any operand keeps."""

    operands: tuple["Filter", ...]


Filter = Comparison | Text | Not | And | Or

EVERYTHING = And()
