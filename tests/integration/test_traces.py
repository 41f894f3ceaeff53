"""Traces through a running server: sent over OTLP, asked for over HTTP."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.gnomon_process import GnomonProcess
from tests.span_requests import SentSpan, make_span_request

CHECKOUT = [f"{n:032x}" for n in range(0xC0FFEE00, 0xC0FFEE0C)]
BATCH = "b" * 32
BROKEN = "d" * 32
SECOND_US = 1_000_000
WORKER = {"service.version": "2.1", "host.name": "node-7"}


def _checkout(index: int, trace: str) -> list[SentSpan]:
    """Return a call through gateway, worker and database: a second later and 10 ms slower than the one before."""
    start_us, slow_us = index * SECOND_US, index * 10_000
    failed = 2 if index % 4 == 3 else 0
    attributes = {"http.response.status_code": 500 if failed else 200, "user.id": f"user-{index}"}
    events = ((20, "exception", {"exception.type": "TimeoutError"}),) if failed else ()
    return [
        SentSpan(trace, f"a{index:015x}", "", "gateway", "POST /checkout", 2, start_us, 50_000 + slow_us, failed,
                 f"attempt {index} failed" if failed else "", attributes, events=events),
        SentSpan(trace, f"b{index:015x}", f"a{index:015x}", "gateway", "call worker", 3, start_us + 1000,
                 40_000 + slow_us),
        SentSpan(trace, f"c{index:015x}", f"b{index:015x}", "worker", "pay", 2, start_us + 2000, 30_000 + slow_us,
                 attributes={"queue": "slow" if index >= 6 else "fast"}, resource=WORKER, scope=("billing", "3")),
        SentSpan(trace, f"d{index:015x}", f"c{index:015x}", "worker", "SELECT", 3, start_us + 3000, 1000,
                 attributes={"db.system.name": "postgresql", "server.address": "db-1"}, resource=WORKER),
    ]  # fmt: skip


SPANS = [
    *(span for index, trace in enumerate(CHECKOUT) for span in _checkout(index, trace)),
    SentSpan(BATCH, "e" * 16, "", "batch", "nightly", 1, 3 * SECOND_US, 20 * SECOND_US,
             attributes={"nested": {"a": [1]}}),
    SentSpan(BROKEN, "f" * 16, "9" * 16, "worker", "lost", 5, 4 * SECOND_US, 100, resource=WORKER),
]  # fmt: skip


@dataclass(frozen=True)
class Api:
    """Ask a server about the minutes around the spans."""

    url: str

    def get(self, path: str, **parameters: Any) -> Any:
        answer = self.ask(path, **parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ask(self, path: str, **parameters: Any) -> httpx.Response:
        return httpx.get(f"{self.url}/api{path}", params=parameters, trust_env=False, timeout=30)

    def search(self, query: str, **parameters: Any) -> list[str]:
        found = self.get("/tracing/search", q=query, **parameters)
        return [trace["trace_id"] for trace in found["traces"]]

    def wait_for_traces(self, count: int) -> None:
        """Return once that many traces can be found, which is half a second after the answer or later."""
        deadline = time.monotonic() + 60
        while len(self.search("")) < count:
            assert time.monotonic() < deadline, "the spans did not arrive"
            time.sleep(0.1)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    gnomon = GnomonProcess(tmp_path_factory.mktemp("gnomon") / "data", env={"GNOMON_OWN_TRACES__ENABLED": "false"})
    gnomon.start()
    try:
        start_ns = time.time_ns() - 120 * 10**9
        sent = httpx.post(
            f"{gnomon.otlp_http_url}/v1/traces",
            content=make_span_request(SPANS, start_ns),
            headers={"Content-Type": "application/x-protobuf"},
            trust_env=False,
        )
        assert sent.status_code == 200
        opened = Api(gnomon.url)
        opened.wait_for_traces(len({span.trace for span in SPANS}))
        yield opened
    finally:
        gnomon.stop()


def by_number(*numbers: int) -> list[str]:
    return [CHECKOUT[number] for number in numbers]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status:error", by_number(11, 7, 3)),
        ("error=true service:gateway", by_number(11, 7, 3)),
        ("http.response.status_code>=500", by_number(11, 7, 3)),
        ("http.response.status_code!=200", by_number(11, 7, 3)),
        ("user.id=user-5", by_number(5)),
        ("attributes.user.id=~'user-(1|2)$'", by_number(2, 1)),
        ("resource.host.name=node-7 name=SELECT queue=x or user.id=user-4", by_number(4)),
        ("host.name=node-7 queue=slow duration>130ms", by_number(11)),
        ("service.version=2.1 kind=consumer", [BROKEN]),
        ("kind=internal", [BATCH]),
        ("duration>=20s", [BATCH]),
        ("has:nested", [BATCH]),
        ("event=exception", by_number(11, 7, 3)),
        ("event.exception.type=TimeoutError user.id=user-7", by_number(7)),
        ("status_message~'ATTEMPT 3'", by_number(3)),
        ("scope=billing queue=fast", by_number(5, 4, 3, 2, 1, 0)),
        ("nightly", [BATCH]),
        ("-service=gateway -service=worker", [BATCH]),
        (f"trace_id={BROKEN.upper()}", [BROKEN]),
        ("root=true service=batch", [BATCH]),
        ("queue=slow queue=fast", []),
    ],
)
def test_search_finds_traces_with_a_span_that_meets_all_conditions(api: Api, query: str, found: list[str]) -> None:
    assert api.search(query) == found


def test_pages_follow_each_other_without_gaps(api: Api) -> None:
    everything = api.search("")
    assert len(everything) == len(set(everything)) == 14
    for sort in ("newest", "slowest"):
        paged: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = api.get("/tracing/search", q="", sort=sort, limit=3, cursor=cursor)
            paged += [trace["trace_id"] for trace in page["traces"]]
            cursor = page["next_cursor"]
        assert sorted(paged) == sorted(everything)
        assert paged == api.search("", sort=sort)


def test_slowest_first(api: Api) -> None:
    assert api.search("", sort="slowest", limit=3) == [BATCH, CHECKOUT[11], CHECKOUT[10]]


def test_a_row_says_where_time_went(api: Api) -> None:
    row = api.get("/tracing/search", q="user.id=user-7")["traces"][0]
    assert (row["root_service"], row["root_name"], row["spans"], row["errors"]) == ("gateway", "POST /checkout", 4, 1)
    assert row["matched_spans"] == 1
    assert row["duration_ns"] == 120_000_000
    assert [(part["service"], part["spans"]) for part in row["services"]] == [("worker", 2), ("gateway", 2)]
    assert sum(part["share"] for part in row["services"]) == pytest.approx(1)


def test_points_show_every_trace_once(api: Api) -> None:
    points = api.get("/tracing/points", q="service:gateway")
    assert sorted(points["trace_id"]) == sorted(CHECKOUT)
    assert (points["found"], points["complete"]) == (12, True)
    assert sum(points["errors"]) == 3
    few = api.get("/tracing/points", q="service:gateway", limit=5)
    assert (len(few["trace_id"]), few["found"], few["complete"]) == (5, 12, False)


def test_a_journey_is_told_in_steps(api: Api) -> None:
    journey = api.get(f"/tracing/trace/{CHECKOUT[3]}")
    assert [step["name"] for step in journey["steps"]] == ["POST /checkout", "call worker", "pay", "SELECT"]
    assert [step["status"] for step in journey["steps"]] == ["error", "unset", "unset", "unset"]
    assert journey["steps"][0]["status_message"] == "attempt 3 failed"
    assert (journey["status"], journey["complete"], journey["omitted_steps"]) == ("error", True, 0)
    assert sum(segment["duration_ns"] for segment in journey["critical_path"]) == journey["duration_ns"] == 80_000_000
    assert journey["critical_path"][0]["name"] == "POST /checkout"


def test_ids_open_a_trace_in_any_spelling(api: Api) -> None:
    trace = CHECKOUT[0]
    for text in (trace.upper(), f"00-{trace}-a000000000000000-01", trace.lstrip("0"), f"{trace}:a000000000000000:0:1"):
        assert api.get(f"/tracing/trace/{text}")["trace_id"] == trace


def test_incomplete_traces_are_shown_as_that(api: Api) -> None:
    waterfall = api.get(f"/tracing/trace/{BROKEN}/spans")
    assert not waterfall["complete"]
    assert [warning["kind"] for warning in waterfall["warnings"]] == ["missing_root", "missing_parent", "late_spans"]


def test_a_waterfall_holds_spans_in_parallel_lists(api: Api) -> None:
    waterfall = api.get(f"/tracing/trace/{CHECKOUT[3]}/spans")
    spans = waterfall["spans"]
    assert {len(column) for column in spans.values()} == {4}
    assert [waterfall["names"][name] for name in spans["name"]] == ["POST /checkout", "call worker", "pay", "SELECT"]
    assert spans["depth"] == [0, 1, 2, 3]
    assert spans["self_ns"] == [10_000_000, 10_000_000, 59_000_000, 1_000_000]


def test_a_span_shows_all_that_was_sent(api: Api) -> None:
    span = api.get(f"/tracing/trace/{CHECKOUT[3]}/spans/{3 | 0xA << 60:x}")
    attributes = {each["key"]: (each["type"], each["value"]) for each in span["attributes"]}
    assert attributes == {"http.response.status_code": ("int", "500"), "user.id": ("string", "user-3")}
    assert span["events"][0]["name"] == "exception"
    assert span["events"][0]["offset_ns"] == 20_000
    nested = api.get(f"/tracing/trace/{BATCH}/spans/{'e' * 16}")["attributes"]
    assert nested == [{"key": "nested", "type": "map", "value": '{"a": [1]}'}]


def test_a_query_marks_spans_within_a_trace(api: Api) -> None:
    found = api.get(f"/tracing/trace/{CHECKOUT[2]}/matches", q="service:worker host.name=node-7")
    assert found["span_ids"] == [f"c{2:015x}", f"d{2:015x}"]


def test_two_traces_compare_place_by_place(api: Api) -> None:
    comparison = api.get("/tracing/compare", left=CHECKOUT[0], right=CHECKOUT[9])
    assert [(step["name"], step["change_ns"]) for step in comparison["steps"]] == [
        ("POST /checkout", 90_000_000),
        ("call worker", 90_000_000),
        ("pay", 90_000_000),
        ("SELECT", 0),
    ]


def test_facets_count_matching_spans(api: Api) -> None:
    facets = {facet["field"]: facet for facet in api.get("/tracing/facets", q="service:worker")["facets"]}
    assert {value["value"]: value["spans"] for value in facets["name"]["values"]} == {
        "pay": 12,
        "SELECT": 12,
        "lost": 1,
    }
    assert {value["value"]: value["spans"] for value in facets["queue"]["values"]} == {"fast": 6, "slow": 6}
    assert facets["queue"]["others"] == 13


def test_differences_name_what_the_selected_traces_have_in_common(api: Api) -> None:
    found = api.get("/tracing/differences", q="name=pay", brush_from="now-1h", brush_to="now", min_duration="105ms")
    assert (found["selected_spans"], found["rest_spans"]) == (6, 6)
    assert (found["fields"][0]["field"], found["fields"][0]["score"]) == ("queue", 1.0)
    assert [(value["value"], value["selected"], value["rest"]) for value in found["fields"][0]["values"]] == [
        ("slow", 6, 0),
        ("fast", 0, 6),
    ] or found["fields"][0]["values"][0]["value"] == "fast"


def test_fields_and_values_are_offered(api: Api) -> None:
    tags = {tag["name"]: tag["kind"] for tag in api.get("/tracing/tags")["tags"]}
    assert (tags["duration"], tags["queue"], tags["host.name"]) == ("builtin", "attribute", "resource")
    for name, values in (
        ("service", ["worker", "gateway", "batch"]),
        ("queue", ["fast", "slow"]),
        ("host.name", ["node-7"]),
        ("resource.service.version", ["2.1"]),
        ("kind", ["client", "server", "consumer", "internal"]),
        ("event", ["exception"]),
    ):
        assert [each["value"] for each in api.get(f"/tracing/tags/{name}/values")["values"]] == values
    found = api.get("/tracing/tags/user.id/values", prefix="USER-1", q="status:unset")
    assert {each["value"] for each in found["values"]} == {"user-1", "user-10"}


def test_services_and_operations_sum_up(api: Api) -> None:
    services = {each["service"]: each for each in api.get("/tracing/services")["services"]}
    assert services["worker"]["versions"] == ["2.1"]
    assert services["gateway"]["totals"]["spans"] == 12
    assert services["gateway"]["totals"]["errors"] == 3
    assert services["batch"]["totals"]["spans"] == 1
    operations = api.get("/tracing/operations", service="worker")
    assert {each["name"]: each["totals"]["spans"] for each in operations["operations"]} == {
        "pay": 12,
        "SELECT": 12,
        "lost": 1,
    }
    pay = next(each for each in operations["operations"] if each["name"] == "pay")
    assert pay["totals"]["p95_ns"] == pytest.approx(140_000_000, rel=0.1)
    assert len(pay["series"]["rate_per_s"]) == len(operations["steps_ms"])
    assert sum(pay["series"]["rate_per_s"]) * operations["step_s"] == pytest.approx(12)


def test_the_service_map_shows_calls_and_what_sends_no_spans(api: Api) -> None:
    found = api.get("/tracing/service_map")
    edges = {(edge["client"], edge["server"], edge["kind"]): edge["calls"] for edge in found["edges"]}
    assert edges == {("gateway", "worker", "call"): 12, ("worker", "postgresql db-1", "database"): 12}
    assert {node["name"]: node["kind"] for node in found["nodes"]}["postgresql db-1"] == "database"


def test_the_overview_shows_services_and_errors(api: Api) -> None:
    overview = api.get("/overview")
    assert overview["services"][0]["service"] == "gateway"
    assert overview["services"][0]["totals"]["error_share"] == pytest.approx(0.25)
    assert overview["failing"][0]["name"] == "POST /checkout"
    assert overview["busiest"][0]["totals"]["spans"] == 12
    error = overview["errors"][0]
    assert (error["error_type"], error["spans"], error["message"]) == ("TimeoutError", 3, "attempt 11 failed")
    assert error["trace_id"] == CHECKOUT[11]


@pytest.mark.parametrize(
    ("path", "parameters", "status", "position"),
    [
        ("/tracing/search", {"q": "duration>x"}, 400, 0),
        ("/tracing/search", {"q": "service:a name=~'(?=x)'"}, 400, 10),
        ("/tracing/search", {"q": "service:a kind=nope"}, 400, 10),
        ("/tracing/search", {"q": "x>(abc"}, 400, 2),
        ("/tracing/search", {"cursor": "s.1.ab", "sort": "newest"}, 400, None),
        ("/tracing/search", {"from": "now", "to": "now-1h"}, 400, None),
        ("/tracing/trace/nonsense", {}, 400, None),
        ("/tracing/trace/" + "1" * 32, {}, 404, None),
        (f"/tracing/trace/{BATCH}/spans/{'1' * 16}", {}, 404, None),
    ],
)
def test_errors_say_what_is_wrong_and_where(
    api: Api, path: str, parameters: dict[str, str], status: int, position: int | None
) -> None:
    answer = api.ask(path, **parameters)
    assert answer.status_code == status, answer.text
    assert answer.json()["error"].get("position") == position
