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
root |--------------------|
a      |------|
b          |--------|
"""
    steps = [("root", 0, 2), ("a", 2, 9), ("root", 9, 21)]
    assert path_of(drawing, {"a": "root", "b": "a"}) == [("root", 0, 2), ("a", 2, 6), ("b", 6, 9), ("root", 9, 21)]
    assert path_of(drawing, {"a": "root"}) == steps


def test_work_behind_a_queue_is_on_the_path_and_the_wait_is_a_gap() -> None:
    drawing = """
root |-----------|
send    |--|
work                  |------------|
tool                     |----|
late                  |--|
"""
    parents = {"send": "root", "work": "send", "tool": "work", "late": "root"}
    assert path_of(drawing, parents) == [
        ("root", 0, 3),
        ("send", 3, 6),
        ("root", 6, 12),
        ("work", 17, 20),
        ("tool", 20, 25),
        ("work", 25, 30),
    ]


def test_work_that_begins_before_the_root_ends_takes_over_at_its_beginning() -> None:
    drawing = """
root |-----------|
send    |--|
work         |------------|
"""
    assert path_of(drawing, {"send": "root", "work": "send"}) == [
        ("root", 0, 3),
        ("send", 3, 6),
        ("root", 6, 8),
        ("work", 8, 21),
    ]


@st.composite
def trees(draw: st.DrawFn) -> tuple[list[int], list[int], list[list[int]]]:
    size = draw(st.integers(1, 40))
    starts, ends = [0], [draw(st.integers(1, 1000))]
    children: list[list[int]] = [[]]
    for span in range(1, size):
        start = draw(st.integers(-50, 1050))
        starts.append(start)
        ends.append(start + draw(st.integers(1, 600)))
        children.append([])
        children[draw(st.integers(0, span - 1))].append(span)
    return starts, ends, children


@given(trees())
def test_stretches_never_overlap_and_reach_the_last_end(tree: tuple[list[int], list[int], list[list[int]]]) -> None:
    starts, ends, children = tree
    path = find_critical_path(starts, ends, children, 0)
    assert path[-1].end_ns == max(ends)
    assert all(before.end_ns <= after.start_ns for before, after in pairwise(path))
    for segment in path:
        assert starts[segment.span] <= segment.start_ns < segment.end_ns <= ends[segment.span]


@given(trees())
def test_what_nothing_outlives_is_covered_without_gaps(tree: tuple[list[int], list[int], list[list[int]]]) -> None:
    starts, ends, children = tree
    ends[0] = max(ends)
    path = find_critical_path(starts, ends, children, 0)
    assert (path[0].start_ns, path[-1].end_ns) == (starts[0], ends[0])
    assert all(before.end_ns == after.start_ns for before, after in pairwise(path))


def test_a_chain_of_ten_thousand_spans_does_not_exhaust_the_stack() -> None:
    size = 10_000
    starts, ends = list(range(size)), [2 * size - span for span in range(size)]
    children = [[span + 1] for span in range(size - 1)] + [[]]
    assert len(find_critical_path(starts, ends, children, 0)) == 2 * size - 1
