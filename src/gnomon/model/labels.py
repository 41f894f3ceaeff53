"""Label sets: what names a series."""

from collections.abc import Collection, Iterable, Iterator, Mapping

METRIC_NAME = "__name__"
Pair = tuple[str, str]


class Labels:
    """An immutable set of labels, sorted by name (bytewise), empty values left out, as in Prometheus' data model."""

    __slots__ = ("_hash", "pairs")

    pairs: tuple[Pair, ...]

    def __init__(self, pairs: Iterable[Pair] = ()) -> None:
        """Take pairs in any order; of a repeated name, the last one counts."""
        self.pairs = tuple(sorted((name, value) for name, value in dict(pairs).items() if value))
        self._hash = hash(self.pairs)

    @classmethod
    def of(cls, labels: Mapping[str, str]) -> "Labels":
        """Return the labels of a mapping."""
        return cls(labels.items())

    @classmethod
    def from_sorted(cls, pairs: tuple[Pair, ...]) -> "Labels":
        """Return labels from pairs that are sorted, unique and without empty values already."""
        labels = cls.__new__(cls)
        labels.pairs = pairs
        labels._hash = hash(pairs)  # noqa: SLF001  # an object of this class
        return labels

    def get(self, name: str, default: str = "") -> str:
        """Return the value of a label; a label that is absent is the same as an empty one."""
        for own, value in self.pairs:
            if own == name:
                return value
        return default

    @property
    def metric_name(self) -> str:
        """Return the value of `__name__`, empty when there is none."""
        return self.get(METRIC_NAME)

    def keep(self, names: Collection[str]) -> "Labels":
        """Return only the labels of these names; pass a set or frozenset when it is long."""
        return Labels.from_sorted(tuple(pair for pair in self.pairs if pair[0] in names))

    def drop(self, names: Collection[str]) -> "Labels":
        """Return all labels but those of these names."""
        return Labels.from_sorted(tuple(pair for pair in self.pairs if pair[0] not in names))

    def replace(self, changes: Mapping[str, str]) -> "Labels":
        """Return labels with some set anew; an empty value removes."""
        return Labels((*self.pairs, *changes.items()))

    def to_dict(self) -> dict[str, str]:
        """Return a mapping by name."""
        return dict(self.pairs)

    def __iter__(self) -> Iterator[Pair]:
        """Iterate over the pairs in order of name."""
        return iter(self.pairs)

    def __len__(self) -> int:
        """Return the number of labels."""
        return len(self.pairs)

    def __contains__(self, name: object) -> bool:
        """Tell whether a label of this name is there."""
        return any(own == name for own, _ in self.pairs)

    def __eq__(self, other: object) -> bool:
        """Compare all names and values."""
        return isinstance(other, Labels) and self.pairs == other.pairs

    def __lt__(self, other: "Labels") -> bool:
        """Order as Prometheus does: label by label, the name first."""
        return self.pairs < other.pairs

    def __hash__(self) -> int:
        """Return a hash of all names and values."""
        return self._hash

    def __repr__(self) -> str:
        """Return Prometheus' notation."""
        return f"Labels({self.to_dict()!r})"


EMPTY = Labels()
