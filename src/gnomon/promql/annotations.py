"""Warnings and infos that accompany the result of a query."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from gnomon.promql.quoting import quote
from gnomon.promql.syntax_tree import Span


class Severity(StrEnum):
    """Whether the result may be wrong, or is only worth a second look."""

    WARNING = "PromQL warning"
    INFO = "PromQL info"


@dataclass(frozen=True, slots=True)
class Annotation:
    """One remark; `span` is the part of the query that it is about."""

    severity: Severity
    message: str
    span: Span

    def render(self, query: str) -> str:
        """Return it as Prometheus' API does: with line and column (in bytes), when the text of the query is known."""
        text = f"{self.severity}: {self.message}"
        if not query:
            return text
        *lines, last = query[: self.span.start].split("\n")
        return f"{text} ({len(lines) + 1}:{len(last.encode('utf-8', 'surrogateescape')) + 1})"


class Annotations:
    """All remarks on one query; of equal ones, the last counts."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        """Start with none."""
        self._found: dict[tuple[Severity, str], Annotation] = {}

    def warn(self, message: str, span: Span) -> None:
        """Add a warning."""
        self._found[Severity.WARNING, message] = Annotation(Severity.WARNING, message, span)

    def inform(self, message: str, span: Span) -> None:
        """Add an info."""
        self._found[Severity.INFO, message] = Annotation(Severity.INFO, message, span)

    def merge(self, other: "Annotations") -> None:
        """Add all of another collection."""
        for found in other:
            self._found[found.severity, found.message] = found

    def warnings(self, query: str) -> list[str]:
        """Return all warnings as text."""
        return self._rendered(Severity.WARNING, query)

    def infos(self, query: str) -> list[str]:
        """Return all infos as text."""
        return self._rendered(Severity.INFO, query)

    def _rendered(self, severity: Severity, query: str) -> list[str]:
        return [found.render(query) for found in self._found.values() if found.severity is severity]

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self._found)

    def __iter__(self) -> Iterator[Annotation]:
        """Iterate over all."""
        return iter(self._found.values())


def with_metric_name(message: str, name: str) -> str:
    """Return a message that names the metric where it is known."""
    return f"{message} for metric name {quote(name)}" if name else message
