"""Jaeger's parameters as filters."""

import pytest

from gnomon.model.errors import InvalidInputError
from gnomon.model.filters import And, Comparison, Operator, Or
from gnomon.model.time_ranges import TimeRange
from gnomon.traces.jaeger_model import NO_SERVICE, short_trace_id
from gnomon.traces.jaeger_query import TraceQuery, filter_of, parse_tags


def query(**changes: object) -> TraceQuery:
    fields: dict[str, object] = {
        "service": "gw", "operation": "", "tags": (), "time_range": TimeRange(0, 1), "min_duration": "",
        "max_duration": "", "limit": 1,
    }  # fmt: skip
    return TraceQuery(**(fields | changes))  # type: ignore[arg-type]


def test_conditions_are_joined() -> None:
    tree = filter_of(query(operation="GET /", min_duration="1.5ms", max_duration="2s"))
    assert tree == And(
        (
            Comparison("service", Operator.EQUAL, "gw"),
            Comparison("name", Operator.EQUAL, "GET /"),
            Comparison("duration", Operator.GREATER_OR_EQUAL, "1500000ns"),
            Comparison("duration", Operator.LESS_OR_EQUAL, "2000000000ns"),
        )
    )


def test_a_tag_is_looked_for_on_spans_events_and_resources() -> None:
    tree = filter_of(query(tags=(("user", "7"),)))
    assert isinstance(tree, And)
    assert tree.operands[1] == Or(
        tuple(Comparison(f"{place}user", Operator.EQUAL, "7") for place in ("attributes.", "event.", "resource."))
    )


def test_the_error_tag_means_the_status() -> None:
    tree = filter_of(query(tags=(("error", "true"),)))
    assert isinstance(tree, And)
    assert isinstance(tree.operands[1], Or)
    assert Comparison("status", Operator.EQUAL, "error") in tree.operands[1].operands


def test_the_service_without_a_name_is_found_under_jaegers_name_for_it() -> None:
    tree = filter_of(query(service=NO_SERVICE))
    assert tree == And((Comparison("service", Operator.EQUAL, ""),))


def test_tags_come_as_json_and_as_pairs() -> None:
    assert parse_tags('{"a": "x", "n": 5, "b": true}', ["c:d:e"]) == [
        ("c", "d:e"),
        ("a", "x"),
        ("n", "5"),
        ("b", "true"),
    ]


@pytest.mark.parametrize("tags", ['{"a"', "[1]"])
def test_malformed_tags_are_refused(tags: str) -> None:
    with pytest.raises(InvalidInputError, match="malformed 'tags' parameter"):
        parse_tags(tags, [])


def test_a_wrong_duration_is_refused_by_its_name() -> None:
    with pytest.raises(InvalidInputError, match="unable to parse param 'minDuration'"):
        filter_of(query(min_duration="xx"))


def test_ids_of_64_bits_are_written_short() -> None:
    assert short_trace_id("000000000000000012aa43dd8448eb21") == "12aa43dd8448eb21"
    assert short_trace_id("0af7651916cd43dd8448eb211c80319c") == "0af7651916cd43dd8448eb211c80319c"
