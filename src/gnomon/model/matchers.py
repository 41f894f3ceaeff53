"""Matchers: which series are meant."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import re2

from gnomon.model.errors import InvalidInputError

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.dot_nl = True


def compile_pattern(pattern: str) -> Any:
    """Return a regular expression in RE2's syntax, in which `.` matches line ends, too, as in Prometheus.

    Raises InvalidInputError with RE2's own reason.
    """
    try:
        return re2.compile(pattern, _OPTIONS)
    except re2.error as error:
        reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise InvalidInputError(f"Invalid regular expression {pattern!r}: {reason}.") from error


class MatchOperator(StrEnum):
    """The four comparisons of a label with a text."""

    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"


@dataclass(frozen=True, slots=True)
class Matcher:
    """Compare one label; an absent label has the value "". Regular expressions (RE2 syntax) match the whole value."""

    name: str
    operator: MatchOperator
    value: str
    _pattern: Any = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        """Compile; raises InvalidInputError for an expression that RE2 does not take."""
        if self.operator in {MatchOperator.REGEX, MatchOperator.NOT_REGEX}:
            object.__setattr__(self, "_pattern", compile_pattern(self.value))

    def matches(self, value: str) -> bool:
        """Tell whether a label's value is meant."""
        match self.operator:
            case MatchOperator.EQUAL:
                return value == self.value
            case MatchOperator.NOT_EQUAL:
                return value != self.value
            case MatchOperator.REGEX:
                return self._pattern.fullmatch(value) is not None
            case MatchOperator.NOT_REGEX:
                return self._pattern.fullmatch(value) is None

    @property
    def matches_empty(self) -> bool:
        """Tell whether series without the label are meant, too."""
        return self.matches("")
