"""The index finds what asking each series by itself finds."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gnomon.model.labels import Labels
from gnomon.model.matchers import Matcher, MatchOperator
from gnomon.storage.series_index import SeriesIndex, SeriesRows

NAMES = ("__name__", "a", "b", "c")
VALUES = ("", "x", "y", "xy", "zz")
PATTERNS = ("", ".*", ".+", "x|y", "x.*", "(x|)", "[^x]*", "zz", "q")

label_sets = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES[1:])).map(Labels.of)
matchers = st.builds(
    lambda name, operator, text, pattern: Matcher(
        name, operator, text if operator in {MatchOperator.EQUAL, MatchOperator.NOT_EQUAL} else pattern
    ),
    st.sampled_from((*NAMES, "missing")),
    st.sampled_from(MatchOperator),
    st.sampled_from(VALUES),
    st.sampled_from(PATTERNS),
)


def make_rows(series: list[tuple[int, Labels, int, int]]) -> SeriesRows:
    """Return rows of (id, labels, first day, last day)."""
    pairs = [pair for _id, labels, _first, _last in series for pair in labels]
    names, values = sorted({name for name, _ in pairs}), sorted({value for _, value in pairs})
    return SeriesRows(
        ids=np.array([number for number, *_ in series], np.uint64),
        first_days=np.array([first for *_, first, _last in series], np.int32),
        last_days=np.array([last for *_, last in series], np.int32),
        fingerprints=np.array([hash(labels) & 0xFFFFFFFF for _, labels, *_ in series], np.uint64),
        offsets=np.array([0, *itertools.accumulate(len(labels) for _, labels, *_ in series)], np.int64),
        names=names,
        name_codes=np.array([names.index(name) for name, _ in pairs], np.int64),
        values=values,
        value_codes=np.array([values.index(value) for _, value in pairs], np.int64),
    )


def make_index(label_sets: list[Labels], batch: int = 3, first_id: int = 1) -> SeriesIndex:
    """Return an index that took series in, a few at a time."""
    index = SeriesIndex()
    rows = [(first_id + 7919 * place % 1000, labels, 0, 10) for place, labels in enumerate(label_sets)]
    for start in range(0, len(rows), batch):
        index.add(make_rows(rows[start : start + batch]))
    return index


@settings(max_examples=300, deadline=None)
@given(st.lists(label_sets, unique=True, max_size=30), st.lists(matchers, max_size=4), st.integers(1, 40))
def test_matchers_find_what_they_mean(series: list[Labels], asked: list[Matcher], batch: int) -> None:
    """Any combination of matchers finds exactly the series that satisfy each of them, sorted, asked twice alike."""
    index = make_index(series, batch)
    meant = sorted(labels for labels in series if all(one.matches(labels.get(one.name)) for one in asked))
    assert list(index.select(asked, 0, 10).labels) == meant
    assert list(index.select(asked, 0, 10).labels) == meant


@settings(max_examples=50, deadline=None)
@given(st.lists(label_sets, unique=True, min_size=1, max_size=30), st.lists(matchers, max_size=2))
def test_names_and_values_are_those_of_the_series(series: list[Labels], asked: list[Matcher]) -> None:
    """Names and values of labels are collected from the series that matchers mean."""
    index = make_index(series)
    positions = index.find(asked)
    meant = [labels for labels in series if all(one.matches(labels.get(one.name)) for one in asked)]
    assert index.label_names(positions) == sorted({name for labels in meant for name, _ in labels})
    for name in NAMES:
        assert index.label_values(name, positions) == sorted({v for labels in meant if (v := labels.get(name))})


def test_results_follow_what_is_added() -> None:
    """A selection that was asked before finds series that came since, also in values that are new."""
    index = make_index([Labels.of({"__name__": "m", "a": "x"})])
    asked = [Matcher("a", MatchOperator.REGEX, "x|new.*")]
    assert len(index.select(asked, 0, 10)) == 1
    index.add(make_rows([(5000, Labels.of({"__name__": "m", "a": "new1"}), 0, 10)]))
    assert len(index.select(asked, 0, 10)) == 2


def test_only_series_of_the_days_asked_for_are_found() -> None:
    """Days grow with each sight of a series, and bound what is found."""
    one, two = Labels.of({"__name__": "one"}), Labels.of({"__name__": "two"})
    index = SeriesIndex()
    index.add(make_rows([(1, one, 5, 5), (2, two, 9, 9)]))
    assert index.select([], 5, 8).labels == (one,)
    assert index.select([], 6, 8).labels == ()
    index.add(make_rows([(1, one, 7, 7), (1, one, 3, 3)]))
    assert index.select([], 6, 8).labels == (one,)
    assert index.select([], 0, 3).labels == (one,)


def test_many_series_of_one_value_are_found_after_sorting() -> None:
    """Postings are right on both sides of the size at which they are sorted."""
    series = [Labels.of({"__name__": "m", "a": str(place % 7), "b": str(place)}) for place in range(5000)]
    index = SeriesIndex()
    found = []
    for start in range(0, 5000, 500):
        index.add(make_rows([(start + place + 1, one, 0, 1) for place, one in enumerate(series[start : start + 500])]))
        found.append(len(index.select([Matcher("a", MatchOperator.EQUAL, "3")], 0, 1)))
    assert found == [sum(one.get("a") == "3" for one in series[: start + 500]) for start in range(0, 5000, 500)]


def test_two_label_sets_with_one_id_are_counted() -> None:
    """A collision of ids is noticed, whether both come together or one after the other."""
    one, two, three = (Labels.of({"__name__": name}) for name in ("one", "two", "three"))
    index = SeriesIndex()
    index.add(make_rows([(1, one, 0, 0), (1, two, 0, 0)]))
    assert index.collisions == 1
    index.add(make_rows([(1, three, 0, 0), (1, one, 1, 1)]))
    assert index.collisions == 2
    assert len(index) == 1


def test_cardinality_names_the_largest() -> None:
    """Counts by value, by label and by pair are those of the series."""
    index = make_index([Labels.of({"__name__": "m" if place < 6 else "n", "a": str(place)}) for place in range(10)])
    names, counts = index.count_values("__name__")
    assert dict(zip(names, counts.tolist(), strict=True)) == {"m": 6, "n": 4}
    assert {size.name: size.values for size in index.label_sizes()} == {"__name__": 2, "a": 10}
    assert [(pair.name, pair.count) for pair in index.largest_pairs(2)] == [("__name__=m", 6), ("__name__=n", 4)]
