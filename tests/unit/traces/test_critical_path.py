"""The critical path, by drawings and by what must always hold."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gnomon.traces.critical_path import find_critical_path

Path = list[tuple[str, int, int]]


def path_of(drawing: str, parents: dict[str, str]) -> Path:
    """Return the path of spans drawn as `name |---|`, each column one nanosecond; the first is the root."""
    names, starts, ends = [], [], []
    for line in drawing.strip("\n").splitlines():
        names.append(line.split()[0])
        starts.append(line.index("|"))
        ends.append(line.rindex("|"))
    children: list[list[int]] = [[] for _ in names]
    for child, parent in parents.items():
        children[names.index(parent)].append(names.index(child))
    found = find_critical_path(starts, ends, children, 0)
    origin = starts[0]
    return [(names[segment.span], segment.start_ns - origin, segment.end_ns - origin) for segment in found]


def test_a_lone_span_is_the_whole_path() -> None:
    assert path_of("root |----|", {}) == [("root", 0, 5)]


def test_the_drawing_of_the_module() -> None:
    drawing = """
root |---------------------------------------------------|
a        |---------|
b            |---------------------|
c                |---------|
d                                     |----------|
"""
    assert path_of(drawing, {"a": "root", "b": "root", "c": "b", "d": "root"}) == [
        ("root", 0, 8),
        ("b", 8, 12),
        ("c", 12, 22),
        ("b", 22, 30),
        ("root", 30, 33),
        ("d", 33, 44),
        ("root", 44, 52),
    ]


def test_of_parallel_children_the_last_to_finish_counts() -> None:
    drawing = """
root |------------------|
a      |------|
b      |------------|
"""
    assert path_of(drawing, {"a": "root", "b": "root"}) == [("root", 0, 2), ("b", 2, 15), ("root", 15, 19)]


def test_children_in_sequence_all_count() -> None:
    drawing = """
root |------------------|
a      |---|
b             |---|
"""
    steps = [("root", 0, 2), ("a", 2, 6), ("root", 6, 9), ("b", 9, 13), ("root", 13, 19)]
    assert path_of(drawing, {"a": "root", "b": "root"}) == steps


def test_a_child_that_outlives_its_parent_counts_until_the_parent_ends() -> None:
    drawing = """
root |--------|
a        |---------------|
late              |---|
"""
    assert path_of(drawing, {"a": "root", "late": "root"}) == [("root", 0, 4), ("a", 4, 9)]


@st.composite
def trees(draw: st.DrawFn) -> tuple[list[int], list[int], list[list[int]]]:
    size = draw(st.integers(1, 40))
    starts, ends = [0], [draw(st.integers(1, 1000))]
    children: list[list[int]] = [[]]
    for span in range(1, size):
        start = draw(st.integers(-50, 1050))
        starts.append(start)
        ends.append(start + draw(st.integers(0, 600)))
        children.append([])
        children[draw(st.integers(0, span - 1))].append(span)
    return starts, ends, children


@given(trees())
def test_stretches_follow_each_other_and_add_up_to_the_root(tree: tuple[list[int], list[int], list[list[int]]]) -> None:
    starts, ends, children = tree
    path = find_critical_path(starts, ends, children, 0)
    assert path[0].start_ns == starts[0]
    assert path[-1].end_ns == ends[0]
    assert all(before.end_ns == after.start_ns for before, after in pairwise(path))
    assert sum(segment.end_ns - segment.start_ns for segment in path) == ends[0] - starts[0]
    for segment in path:
        assert starts[segment.span] <= segment.start_ns < segment.end_ns <= ends[segment.span]


def test_a_chain_of_ten_thousand_spans_does_not_exhaust_the_stack() -> None:
    size = 10_000
    starts, ends = list(range(size)), [2 * size - span for span in range(size)]
    children = [[span + 1] for span in range(size - 1)] + [[]]
    assert len(find_critical_path(starts, ends, children, 0)) == 2 * size - 1
