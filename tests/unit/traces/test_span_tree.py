"""Trees of spans: what is missing, late, skewed or circular is shown as that."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnomon.traces.span_tree import SpanTree, build_span_tree
from tests.unit.traces.tables import Given, make_table


def names(tree: SpanTree) -> list[tuple[int, str]]:
    return [(tree.depth[span], tree.table.name[span]) for span in tree.order]


def warnings(tree: SpanTree) -> dict[str, int]:
    return {warning.kind: warning.spans for warning in tree.warnings}


def test_children_follow_their_parent_by_start() -> None:
    tree = build_span_tree(
        make_table(Given("root", "", 0, 10), Given("b", "root", 5, 9), Given("a", "root", 1, 4), Given("c", "a", 2, 3))
    )
    assert names(tree) == [(0, "root"), (1, "a"), (2, "c"), (1, "b")]
    assert tree.complete
    assert not tree.warnings


def test_spans_without_their_parent_stand_at_the_top_and_are_told() -> None:
    tree = build_span_tree(make_table(Given("root", "", 0, 10), Given("x", "gone", 2, 3), Given("y", "gone", 4, 5)))
    assert names(tree) == [(0, "root"), (0, "x"), (0, "y")]
    assert warnings(tree) == {"missing_parent": 2}
    assert not tree.complete
    assert tree.table.name[tree.root] == "root"


def test_a_trace_without_root_is_incomplete() -> None:
    tree = build_span_tree(make_table(Given("x", "gone", 2, 3)))
    assert warnings(tree) == {"missing_root": 1, "missing_parent": 1}
    assert not tree.complete


def test_circles_are_cut_and_told() -> None:
    tree = build_span_tree(
        make_table(Given("a", "c", 0, 5), Given("b", "a", 1, 4), Given("c", "b", 2, 3), Given("me", "me", 6, 7))
    )
    assert len(tree.order) == 4
    assert warnings(tree)["cycle"] == 2


def test_of_two_spans_with_one_id_the_first_gets_the_children() -> None:
    tree = build_span_tree(make_table(Given("a", "", 0, 9), Given("a", "", 1, 8, name="again"), Given("b", "a", 2, 3)))
    assert names(tree) == [(0, "a"), (1, "b"), (0, "again")]
    assert warnings(tree) == {"duplicate_span": 1}


def test_self_time_leaves_out_overlapping_children_once() -> None:
    tree = build_span_tree(
        make_table(
            Given("root", "", 0, 10), Given("a", "root", 1, 5), Given("b", "root", 3, 6), Given("c", "root", 8, 20)
        )
    )
    assert dict(zip(tree.table.name, tree.self_ns, strict=True))["root"] == 3_000_000


def test_a_server_span_outside_the_call_is_moved_into_its_middle() -> None:
    tree = build_span_tree(
        make_table(
            Given("call", "", 0, 10, kind=3),
            Given("served", "call", -100, -94, service="worker", kind=2),
            Given("inner", "served", -99, -98, service="worker"),
        )
    )
    starts = {tree.table.name[span]: tree.start_ns[span] for span in tree.order}
    assert starts == {"call": 0, "served": 2_000_000, "inner": 3_000_000}
    assert warnings(tree) == {"clock_skew": 2}


@pytest.mark.parametrize(
    "child",
    [
        Given("async", "root", 20, 30, service="worker", kind=5),
        Given("same service", "root", -5, 2),
        Given("outlives", "root", 5, 30, service="worker", kind=2),
    ],
)
def test_what_clocks_do_not_explain_stays_where_it_is(child: Given) -> None:
    tree = build_span_tree(make_table(Given("root", "", 0, 10, kind=3), child))
    assert not any(tree.moved_ns)


def test_late_spans_are_told() -> None:
    tree = build_span_tree(make_table(Given("root", "", 0, 10), Given("a", "root", 1, 2, delay_ms=90_000)))
    assert warnings(tree) == {"late_spans": 1}


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(-100, 100), st.integers(0, 100)), min_size=1)
)
def test_every_span_appears_once_whatever_the_parents_say(spans: list[tuple[int, int, int, int]]) -> None:
    table = make_table(
        *(
            Given(str(span), str(parent) if parent else "", start, start + length, service=str(span % 3), kind=2)
            for span, parent, start, length in spans
        )
    )
    tree = build_span_tree(table)
    assert sorted(tree.order) == list(range(len(spans)))
    place = {span: position for position, span in enumerate(tree.order)}
    assert all(tree.parent[span] < 0 or place[tree.parent[span]] < place[span] for span in tree.order)
    assert all(0 <= own <= whole for own, whole in zip(tree.self_ns, table.duration_ns, strict=True))
    assert all(before.end_ns <= after.start_ns for before, after in pairwise(tree.critical_path()))
