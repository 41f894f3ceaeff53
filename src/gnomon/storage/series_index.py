"""Which series there are, in memory: labels to ids, as Prometheus' postings do it, without a statement.

Series are numbered in the order in which they come: their *positions*. For each label name the index holds the
positions of the series that have it, ascending, and beside them the number of the value of each. A matcher is asked
once for each distinct value; what it says is remembered, so that a regular expression runs only over values that are
new.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gnomon.model.cardinality import Counted
from gnomon.model.labels import Labels
from gnomon.model.matchers import Matcher, MatchOperator
from gnomon.model.series import Mask, SeriesSet

Positions = NDArray[np.int32]

_REMEMBERED_PATTERNS = 64
_REMEMBERED_SETS = 256
_REMEMBERED_LABELS = 500_000
_SMALL_SHARE = 8


@dataclass(frozen=True, slots=True)
class SeriesRows:
    """Series as the store hands them out: one entry a series, its labels flattened into `names` and `values`.

    `offsets` has one entry more than there are series; days are counted since 1970-01-01; `fingerprints` tell label
    sets apart that happen to have the same id.
    """

    ids: NDArray[np.uint64]
    first_days: NDArray[np.int32]
    last_days: NDArray[np.int32]
    fingerprints: NDArray[np.uint64]
    offsets: NDArray[np.int64]
    names: Sequence[str]
    name_codes: NDArray[np.int64]
    values: Sequence[str]
    value_codes: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of series."""
        return len(self.ids)


class LabelSize(NamedTuple):
    """How many values a label has, and how many characters these are together."""

    name: str
    values: int
    bytes: int


class _Column:
    """An array that grows at its end."""

    __slots__ = ("_array", "_size")

    def __init__(self, dtype: Any) -> None:
        self._array: NDArray[Any] = np.empty(16, dtype)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def array(self) -> NDArray[Any]:
        return self._array[: self._size]

    def extend(self, items: NDArray[Any]) -> None:
        size = self._size + len(items)
        if size > len(self._array):
            grown = np.empty(max(size, len(self._array) * 3 // 2), self._array.dtype)
            grown[: self._size] = self.array
            self._array = grown
        self._array[self._size : size] = items
        self._size = size


@dataclass(slots=True)
class _Label:
    """The values of one label name and who has them."""

    number: int
    values: list[str] = field(default_factory=list)
    codes: dict[str, int] = field(default_factory=dict)
    positions: _Column = field(default_factory=lambda: _Column(np.int32))
    value_codes: _Column = field(default_factory=lambda: _Column(np.int32))
    # The first `sorted_size` entries by value: those of value `v` are `by_value[starts[v]:starts[v + 1]]`.
    sorted_size: int = 0
    by_value: Positions = field(default_factory=lambda: np.empty(0, np.int32))
    starts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64))
    meant: dict[tuple[MatchOperator, str], Mask] = field(default_factory=dict)

    def add(self, positions: Positions, texts: Sequence[str], codes: NDArray[np.int64]) -> None:
        """Take entries in, positions ascending; `codes` number `texts`."""
        used, inverse = np.unique(codes, return_inverse=True)
        own = np.empty(len(used), np.int32)
        for place, code in enumerate(used.tolist()):
            text = texts[code]
            known = self.codes.get(text)
            if known is None:
                known = self.codes[text] = len(self.values)
                self.values.append(text)
            own[place] = known
        self.positions.extend(positions)
        self.value_codes.extend(own[inverse])

    def posting(self, code: int) -> Positions:
        """Return the positions of the series with one value, ascending."""
        self._sort()
        settled = (
            self.by_value[self.starts[code] : self.starts[code + 1]]
            if code + 1 < len(self.starts)
            else self.by_value[:0]
        )
        tail = self.value_codes.array[self.sorted_size :] == code
        return np.concatenate((settled, self.positions.array[self.sorted_size :][tail])) if tail.any() else settled

    def counts(self) -> NDArray[np.int64]:
        """Return how many series have each value."""
        return np.bincount(self.value_codes.array, minlength=len(self.values))

    def mask(self, matcher: Matcher) -> Mask:
        """Tell for each value whether the matcher means it."""
        key = (matcher.operator, matcher.value)
        known = self.meant.pop(key, None)
        asked = 0 if known is None else len(known)
        if known is None or asked < len(self.values):
            found = np.fromiter(map(matcher.matches, self.values[asked:]), np.bool_, len(self.values) - asked)
            known = found if known is None else np.concatenate((known, found))
        self.meant[key] = known
        if len(self.meant) > _REMEMBERED_PATTERNS:
            self.meant.pop(next(iter(self.meant)))
        return known

    def codes_at(self, positions: Positions) -> NDArray[np.int32]:
        """Return the numbers of the values of those of the series that have the label."""
        own = self.positions.array
        places = np.searchsorted(own, positions)
        places[places == len(own)] = 0
        codes: NDArray[np.int32] = self.value_codes.array[places[own[places] == positions]]
        return codes

    def meant_at(self, positions: Positions, matcher: Matcher) -> Mask:
        """Tell which of the series a matcher means; they need not have the label."""
        own = self.positions.array
        places = np.searchsorted(own, positions)
        places[places == len(own)] = 0
        has: Mask = own[places] == positions
        if matcher.operator is MatchOperator.EQUAL and matcher.value:
            same: Mask = self.value_codes.array[places] == self.codes.get(matcher.value, -1)
            return has & same
        return np.where(has, self.mask(matcher)[self.value_codes.array[places]], matcher.matches_empty)

    def _sort(self) -> None:
        """Sort by value, unless only few entries came since the last time."""
        size = len(self.positions)
        if size - self.sorted_size <= max(1024, self.sorted_size // _SMALL_SHARE):
            return
        codes = self.value_codes.array
        self.by_value = self.positions.array[np.argsort(codes, kind="stable")]
        self.starts = np.concatenate(([0], np.cumsum(np.bincount(codes, minlength=len(self.values)))))
        self.sorted_size = size


@dataclass(frozen=True, slots=True)
class _Found:
    positions: Positions
    series: SeriesSet


class SeriesIndex:
    """Find series by their labels. Not safe for use by several threads at a time."""

    def __init__(self) -> None:
        """Begin empty."""
        self._labels: dict[str, _Label] = {}
        self._names: list[str] = []
        self._ids = _Column(np.uint64)
        self._first_days = _Column(np.int32)
        self._last_days = _Column(np.int32)
        self._fingerprints = _Column(np.uint64)
        self._ends = _Column(np.int64)
        # Every series' labels, one after the other: number of the name, number of the value.
        self._pair_names = _Column(np.int32)
        self._pair_values = _Column(np.int32)
        self._sorted_ids: NDArray[np.uint64] = np.empty(0, np.uint64)
        self._sorted_positions: Positions = np.empty(0, np.int32)
        self._made: dict[int, Labels] = {}
        self._found: dict[tuple[Matcher, ...], _Found] = {}
        self.collisions = 0

    def __len__(self) -> int:
        """Return the number of series."""
        return len(self._ids)

    def add(self, rows: SeriesRows) -> None:
        """Take in series; of those that are known, the days on which they were seen."""
        places, known = self._locate(rows.ids)
        if known.any():
            self._add_known(rows, places[known], known)
        fresh = np.flatnonzero(~known)
        if len(fresh):
            # A series may come with several rows.
            ids, firsts, inverse = np.unique(rows.ids[fresh], return_index=True, return_inverse=True)
            order = np.argsort(firsts, kind="stable")
            self._add_fresh(rows, fresh[firsts[order]])
            if len(ids) < len(fresh):
                places, _known = self._locate(rows.ids[fresh])
                self._add_days(places, rows.first_days[fresh], rows.last_days[fresh])
                self.collisions += int(
                    np.count_nonzero(rows.fingerprints[fresh] != rows.fingerprints[fresh[firsts]][inverse])
                )

    def knows(self, ids: NDArray[np.uint64]) -> Mask:
        """Tell which of the ids are there."""
        return self._locate(ids)[1]

    def count_between(self, lows: NDArray[np.uint64], highs: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Return how many ids there are from each low one to each high one, both included."""
        after = np.searchsorted(self._sorted_ids, highs, side="right")
        return after - np.searchsorted(self._sorted_ids, lows)

    def select(self, matchers: Sequence[Matcher], first_day: int, last_day: int) -> SeriesSet:
        """Return the series that all matchers mean and that were seen from `first_day` to `last_day`, sorted."""
        positions = self.find_seen(matchers, first_day, last_day)
        key = tuple(matchers)
        found = self._found.pop(key, None)
        if found is None or not np.array_equal(found.positions, positions):
            found = _Found(positions, self._make_set(positions))
        self._found[key] = found
        if len(self._found) > _REMEMBERED_SETS:
            self._found.pop(next(iter(self._found)))
        return found.series

    def find_seen(self, matchers: Sequence[Matcher], first_day: int, last_day: int) -> Positions:
        """Return the positions, ascending, of the series that all matchers mean and that were seen on these days."""
        positions = self.find(matchers)
        seen = (self._last_days.array[positions] >= first_day) & (self._first_days.array[positions] <= last_day)
        return positions if seen.all() else positions[seen]

    def find(self, matchers: Sequence[Matcher]) -> Positions:
        """Return the positions, ascending, of the series that all matchers mean, whenever they were seen."""
        asked: list[tuple[Matcher, _Label]] = []
        for matcher in matchers:
            label = self._labels.get(matcher.name)
            if label is not None:
                asked.append((matcher, label))
            elif not matcher.matches_empty:
                return np.empty(0, np.int32)
        found, others = self._begin(asked)
        for matcher, label in others:
            if len(found) == 0:
                break
            found = found[label.meant_at(found, matcher)]
        return found

    def count_values(self, name: str, first_day: int = 0) -> tuple[Sequence[str], NDArray[np.int64]]:
        """Return the values of a label and how many series have each, of those that were seen since `first_day`."""
        label = self._labels.get(name)
        if label is None:
            return (), np.empty(0, np.int64)
        seen = self._last_days.array[label.positions.array] >= first_day
        return label.values, np.bincount(label.value_codes.array[seen], minlength=len(label.values))

    def label_names(self, positions: Positions) -> list[str]:
        """Return the names of all labels of some series, sorted."""
        return sorted(name for name, label in self._labels.items() if label.codes_at(positions).size)

    def label_values(self, name: str, positions: Positions) -> list[str]:
        """Return the values of a label among some series, sorted."""
        label = self._labels.get(name)
        if label is None:
            return []
        return sorted(value for code in np.unique(label.codes_at(positions)).tolist() if (value := label.values[code]))

    def count_distinct(self, name: str, positions: Positions) -> int:
        """Return how many values a label has among some series."""
        label = self._labels.get(name)
        return 0 if label is None else len(np.unique(label.codes_at(positions)))

    def label_sizes(self) -> list[LabelSize]:
        """Return how many values each label has, and what the values' texts take."""
        return [LabelSize(name, len(label.values), sum(map(len, label.values))) for name, label in self._labels.items()]

    def largest_pairs(self, limit: int) -> list[Counted]:
        """Return the `limit` pairs of a label and a value, as `name=value`, that most series have."""
        found: list[Counted] = []
        for name, label in self._labels.items():
            counts = label.counts()
            chosen = np.argpartition(counts, -limit)[-limit:] if len(counts) > limit else np.arange(len(counts))
            found += [Counted(f"{name}={label.values[code]}", int(counts[code])) for code in chosen.tolist()]
        return sorted(found, key=lambda pair: -pair.count)[:limit]

    def labels_at(self, position: int) -> Labels:
        """Return the labels of one series."""
        made = self._made.get(position)
        if made is None:
            ends = self._ends.array
            begin = int(ends[position - 1]) if position else 0
            end = int(ends[position])
            names = self._pair_names.array[begin:end].tolist()
            values = self._pair_values.array[begin:end].tolist()
            pairs = (
                (self._names[name], self._labels[self._names[name]].values[value])
                for name, value in zip(names, values, strict=True)
            )
            made = Labels(pairs)
            if len(self._made) >= _REMEMBERED_LABELS:
                self._made.clear()
            self._made[position] = made
        return made

    def _locate(self, ids: NDArray[np.uint64]) -> tuple[Positions, Mask]:
        """Return the position of each id, and whether it is known at all."""
        if not len(self._sorted_ids):
            return np.zeros(len(ids), np.int32), np.zeros(len(ids), np.bool_)
        places = np.minimum(np.searchsorted(self._sorted_ids, ids), len(self._sorted_ids) - 1)
        return self._sorted_positions[places], self._sorted_ids[places] == ids

    def _add_known(self, rows: SeriesRows, places: Positions, known: Mask) -> None:
        self._add_days(places, rows.first_days[known], rows.last_days[known])
        self.collisions += int(np.count_nonzero(self._fingerprints.array[places] != rows.fingerprints[known]))

    def _add_days(self, places: Positions, first_days: NDArray[np.int32], last_days: NDArray[np.int32]) -> None:
        np.minimum.at(self._first_days.array, places, first_days)
        np.maximum.at(self._last_days.array, places, last_days)

    def _add_fresh(self, rows: SeriesRows, chosen: NDArray[np.int64]) -> None:
        base = len(self._ids)
        positions = np.arange(base, base + len(chosen), dtype=np.int32)
        ids = rows.ids[chosen]
        self._ids.extend(ids)
        self._first_days.extend(rows.first_days[chosen])
        self._last_days.extend(rows.last_days[chosen])
        self._fingerprints.extend(rows.fingerprints[chosen])
        sizes = rows.offsets[chosen + 1] - rows.offsets[chosen]
        ends = np.cumsum(sizes)
        owners = np.repeat(positions, sizes)
        # The places of the chosen series' labels in the flat arrays.
        flat = np.arange(ends[-1]) + np.repeat(rows.offsets[chosen] - (ends - sizes), sizes)
        self._ends.extend(ends + len(self._pair_names))
        name_codes, value_codes = rows.name_codes[flat], rows.value_codes[flat]
        pair_names, pair_values = np.empty(len(flat), np.int32), np.empty(len(flat), np.int32)
        order = np.argsort(name_codes, kind="stable")
        used, starts = np.unique(name_codes[order], return_index=True)
        for code, group in zip(used.tolist(), np.split(order, starts)[1:], strict=True):
            label = self._label(rows.names[code])
            before = len(label.value_codes)
            label.add(owners[group], rows.values, value_codes[group])
            pair_names[group] = label.number
            pair_values[group] = label.value_codes.array[before:]
        self._pair_names.extend(pair_names)
        self._pair_values.extend(pair_values)
        order = np.argsort(ids)
        where = np.searchsorted(self._sorted_ids, ids[order])
        self._sorted_ids = np.insert(self._sorted_ids, where, ids[order])
        self._sorted_positions = np.insert(self._sorted_positions, where, positions[order])

    def _label(self, name: str) -> _Label:
        label = self._labels.get(name)
        if label is None:
            label = self._labels[name] = _Label(len(self._names))
            self._names.append(name)
        return label

    def _begin(self, asked: list[tuple[Matcher, _Label]]) -> tuple[Positions, list[tuple[Matcher, _Label]]]:
        """Return what the most selective matcher finds, and the other matchers."""
        chosen, smallest = -1, np.empty(0, np.int32)
        for place, (matcher, label) in enumerate(asked):
            if matcher.operator is MatchOperator.EQUAL and matcher.value:
                code = label.codes.get(matcher.value)
                posting = np.empty(0, np.int32) if code is None else label.posting(code)
                if chosen < 0 or len(posting) < len(smallest):
                    chosen, smallest = place, posting
        if chosen < 0:
            sizes = [
                (len(label.positions), place)
                for place, (matcher, label) in enumerate(asked)
                if not matcher.matches_empty
            ]
            if not sizes:
                return np.arange(len(self), dtype=np.int32), asked
            chosen = min(sizes)[1]
            matcher, label = asked[chosen]
            smallest = label.positions.array[label.mask(matcher)[label.value_codes.array]]
        return smallest, asked[:chosen] + asked[chosen + 1 :]

    def _make_set(self, positions: Positions) -> SeriesSet:
        labels = [self.labels_at(position) for position in positions.tolist()]
        order = sorted(range(len(labels)), key=lambda place: labels[place].pairs)
        # Two ids may stand for the same labels where somebody wrote them in an odd form: the first one counts.
        kept = [
            place
            for before, place in zip([-1, *order], order, strict=False)
            if before < 0 or labels[before] != labels[place]
        ]
        return SeriesSet(self._ids.array[positions[kept]], tuple(labels[place] for place in kept))
