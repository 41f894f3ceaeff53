"""The routing tree: which receivers hear of an alert, in which groups, and how often."""

from collections.abc import Iterator
from dataclasses import dataclass

from gnomon.alerting.matcher_syntax import Matchers, all_match, format_matchers
from gnomon.model.labels import Labels
from gnomon.model.matchers import MatchOperator
from gnomon.promql.quoting import format_labels

_OPERATORS = tuple(MatchOperator)


@dataclass(frozen=True, slots=True)
class Route:
    """A node of the tree with everything that it inherits filled in.

    `key` is what groups are named by, and the same for equal siblings; `id` is not.
    """

    key: str
    id: str
    matchers: Matchers
    receiver: str
    group_by: frozenset[str] = frozenset()
    groups_by_all: bool = False
    group_wait_ms: int = 30_000
    group_interval_ms: int = 300_000
    repeat_interval_ms: int = 14_400_000
    mute_time_intervals: tuple[str, ...] = ()
    active_time_intervals: tuple[str, ...] = ()
    continues: bool = False
    routes: "tuple[Route, ...]" = ()

    def match(self, labels: Labels) -> "list[Route]":
        """Return the routes that an alert takes: the deepest ones, the first on each level and those it goes on to."""
        if not all_match(self.matchers, labels):
            return []
        found: list[Route] = []
        for route in self.routes:
            matched = route.match(labels)
            found += matched
            if matched and not route.continues:
                break
        return found or [self]

    def walk(self) -> "Iterator[Route]":
        """Return this route and all below."""
        yield self
        for route in self.routes:
            yield from route.walk()

    def group_labels(self, labels: Labels) -> Labels:
        """Return the labels by which alerts of this route are grouped."""
        return labels if self.groups_by_all else labels.keep(self.group_by)

    def group_key(self, group_labels: Labels) -> str:
        """Return what names a group, as Alertmanager does."""
        return f"{self.key}:{format_labels(group_labels)}"


def sort_matchers(matchers: Matchers) -> Matchers:
    """Return matchers in the order in which they name a route."""
    return tuple(sorted(matchers, key=lambda each: (each.name, each.value, _OPERATORS.index(each.operator))))


def route_names(parent: Route | None, matchers: Matchers, place: int) -> tuple[str, str]:
    """Return key and id of a route that is the `place`-th below its parent."""
    own = format_matchers(matchers)
    if parent is None:
        return own, own
    return f"{parent.key}/{own}", f"{parent.id}/{own}/{place}"


def plain_route(root: Route, receiver: str, *, waits: bool = True) -> Route:
    """Return a route straight to a receiver, with the root's intervals; one that does not wait begins at once."""
    name = f"{root.key}/to/{receiver}"
    return Route(
        key=name,
        id=name,
        matchers=(),
        receiver=receiver,
        group_by=root.group_by or frozenset({"alertname"}),
        groups_by_all=root.groups_by_all,
        group_wait_ms=root.group_wait_ms if waits else 0,
        group_interval_ms=root.group_interval_ms,
        repeat_interval_ms=root.repeat_interval_ms,
    )
