"""Waterfall, journey and comparison of small trees."""

import time

from gnomon.traces.comparison import compare_traces
from gnomon.traces.journey import tell_journey
from gnomon.traces.span_tree import build_span_tree
from gnomon.traces.waterfall import LATE, MISSING_PARENT, lay_out_waterfall
from tests.unit.traces.tables import Given, make_table, summarize

TABLE = make_table(
    Given("root", "", 0, 10, kind=2),
    Given("call", "root", 1, 9, kind=3),
    Given("serve", "call", 2, 8, service="worker", kind=2, status=2),
    Given("lost", "gone", 5, 6, service="worker", delay_ms=100_000),
)
TREE = build_span_tree(TABLE)


def test_a_waterfall_counts_from_the_traces_start_in_the_order_of_display() -> None:
    view = lay_out_waterfall(summarize(TABLE), TREE)
    spans = view.spans
    assert [view.names[name] for name in spans.name] == ["root", "call", "serve", "lost"]
    assert [view.services[service] for service in spans.service] == ["gateway", "gateway", "worker", "worker"]
    assert spans.parent == (-1, 0, 1, -1)
    assert spans.descendants == (2, 1, 0, 0)
    assert spans.failed_descendants == (1, 1, 0, 0)
    assert spans.start_ns == (0, 1_000_000, 2_000_000, 5_000_000)
    assert spans.flags == (0, 0, 0, MISSING_PARENT | LATE)
    assert [view.names[spans.name[span]] for span in view.critical_path.span] == [
        "root",
        "call",
        "serve",
        "call",
        "root",
    ]


def test_a_waterfall_says_what_it_leaves_out() -> None:
    view = lay_out_waterfall(summarize(TABLE, spans=9), TREE)
    assert view.spans_total == 9
    assert not view.complete
    assert view.warnings[-1].kind == "too_large"
    assert view.warnings[-1].spans == 5


def test_a_journey_tells_steps_in_order_with_their_share_of_the_critical_path() -> None:
    journey = tell_journey(summarize(TABLE), TREE, limit=3)
    assert [(step.name, step.kind, step.critical_ns // 1_000_000) for step in journey.steps] == [
        ("root", "server", 2),
        ("call", "client", 2),
        ("serve", "server", 6),
    ]
    assert journey.omitted_steps == 1
    assert journey.status == "ok"
    assert [(each.service, each.errors) for each in journey.services] == [("worker", 1), ("gateway", 0)]
    assert sum(segment.duration_ns for segment in journey.critical_path) == journey.duration_ns


def test_a_journey_whose_root_failed_failed() -> None:
    table = make_table(Given("root", "", 0, 10, status=2))
    assert tell_journey(summarize(table), build_span_tree(table), limit=9).status == "error"


def test_compared_traces_align_by_service_name_and_ancestors() -> None:
    other = make_table(
        Given("r", "", 100, 130, kind=2, name="root"),
        Given("1", "r", 101, 105, kind=3, name="call"),
        Given("2", "r", 106, 112, kind=3, name="call"),
        Given("3", "r", 113, 114, name="new"),
    )
    comparison = compare_traces((summarize(TABLE), summarize(other)), (TREE, build_span_tree(other)))
    rows = [
        (step.depth, step.name, step.left and step.left.spans, step.right and step.right.spans)
        for step in comparison.steps
    ]
    assert rows == [
        (0, "root", 1, 1),
        (1, "call", 1, 2),
        (2, "serve", 1, None),
        (1, "new", None, 1),
        (0, "lost", 1, None),
    ]
    assert comparison.steps[1].change_ns == 2_000_000


def test_fifty_thousand_spans_are_laid_out_quickly() -> None:
    table = make_table(
        *(Given(str(n), str((n - 1) // 3) if n else "", n * 0.001, 1000 - n * 0.001) for n in range(50_000))
    )
    began = time.perf_counter()
    view = lay_out_waterfall(summarize(table), build_span_tree(table))
    assert len(view.spans.span_id) == 50_000
    assert time.perf_counter() - began < 5
