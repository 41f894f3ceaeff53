import time

import pytest
from opentelemetry import trace
from opentelemetry.context import attach, detach
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.sampling import Decision

import gnomon
from gnomon.sdk import wire
from gnomon.sdk.outbox import Outbox
from gnomon.sdk.tracing.sampling import KeepingSampler
from gnomon.testing import capture


def outcome_of(ratio: float, trace_ids: int = 4000) -> float:
    sampler = KeepingSampler()
    sampler.take(ratio)
    ids = [(index * 0x9E3779B97F4A7C15F39CC0605CEDC835) % 2**128 for index in range(1, trace_ids)]
    return sum(sampler.should_sample(None, one, "x").decision is Decision.RECORD_AND_SAMPLE for one in ids) / trace_ids


@pytest.mark.parametrize("ratio", [0.0, 0.1, 0.5, 1.0])
def test_the_share_of_traces_is_what_was_asked_for(ratio: float) -> None:
    assert outcome_of(ratio) == pytest.approx(ratio, abs=0.03)


def test_what_is_not_sampled_is_recorded_all_the_same_until_nothing_is() -> None:
    sampler = KeepingSampler()
    sampler.take(0.0)
    assert sampler.should_sample(None, 1, "x").decision is Decision.RECORD_ONLY
    sampler.take(None)
    assert sampler.should_sample(None, 1, "x").decision is Decision.DROP


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the spans that are queued to be sent."""
    names: list[str] = []

    def put(_outbox: Outbox, signal: str, _scope: object, payload: bytes) -> None:
        if signal == "traces":
            request = ExportTraceServiceRequest.FromString(wire.request({}, [(None, payload)]))
            names.extend(span.name for span in request.resource_spans[0].scope_spans[0].spans)

    monkeypatch.setattr(Outbox, "put", put)
    return names


def test_of_the_traces_that_are_not_sampled_errors_and_slow_ones_are_kept(queued: list[str]) -> None:
    with capture(endpoint="http://127.0.0.1:9", sample_ratio=0.0, slow_s=0.05):
        with gnomon.step("quick"):
            pass
        with gnomon.step("slow"):
            time.sleep(0.06)
        with pytest.raises(KeyError), gnomon.step("broken"):
            raise KeyError("x")
    assert queued == ["step slow", "step broken"]


@pytest.mark.parametrize(("flags", "kept"), [("01", ["step child"]), ("00", [])])
def test_the_caller_s_decision_holds_whatever_our_own_share(queued: list[str], flags: str, kept: list[str]) -> None:
    caller = trace.propagation.set_span_in_context(
        trace.NonRecordingSpan(
            trace.SpanContext(2**100 + 1, 7, is_remote=True, trace_flags=trace.TraceFlags(int(flags, 16)))
        )
    )
    ratio = 0.0 if flags == "01" else 1.0
    with capture(endpoint="http://127.0.0.1:9", sample_ratio=ratio):
        attached = attach(caller)
        try:
            with gnomon.step("child"):
                pass
        finally:
            detach(attached)
    assert queued == kept
