"""Check OTLP requests so that the engine can read whatever is accepted, and leave out what has no valid identity."""

from collections import Counter
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from gnomon.ingest.checked import Checked
from gnomon.ingest.messages import define_message
from gnomon.ingest.request_shapes import RequestShape

_TRACE_ID_BYTES, _SPAN_ID_BYTES = 16, 8
_NO_TRACE_ID, _NO_SPAN_ID = bytes(_TRACE_ID_BYTES), bytes(_SPAN_ID_BYTES)

# A field on the wire: its tag, its length, its bytes.
_TRACE_FIELD_BYTES, _SPAN_FIELD_BYTES = 2 + _TRACE_ID_BYTES, 2 + _SPAN_ID_BYTES

_SPAN_IDS = frozenset({"trace_id", "span_id", "parent_span_id"})
_LOG_IDS = frozenset({"trace_id", "span_id"})
_TRACES = RequestShape(ExportTraceServiceRequest, [f"Span.{name}" for name in _SPAN_IDS])
_LOGS = RequestShape(ExportLogsServiceRequest, [f"LogRecord.{name}" for name in _LOG_IDS])

# Only what is needed to tell spans apart; everything else is carried along as it came.
_SpanIds = define_message(
    "SpanIds",
    {
        "SpanIds": {"resource_spans": (1, "ResourceSpans*")},
        "ResourceSpans": {"scope_spans": (2, "ScopeSpans*")},
        "ScopeSpans": {"spans": (2, "Span*")},
        "Span": {"trace_id": (1, "bytes"), "span_id": (2, "bytes"), "parent_span_id": (4, "bytes")},
    },
)
# The same messages merged, so that the items are side by side and nothing in them is looked at.
_SpanCount = define_message(
    "SpanCount",
    {
        "SpanCount": {"resource": (1, "Resource")},
        "Resource": {"scope": (2, "Scope")},
        "Scope": {"items": (2, "bytes*")},
    },
)


def check_traces(body: bytes) -> Checked:
    """Check an ExportTraceServiceRequest; spans with invalid ids are left out. Raises MalformedRequestError."""
    spans = _TRACES.check(body).resource_spans.scope_spans.spans
    items = _count_items(body)
    if len(spans.trace_id) == len(spans.span_id) == items and _have_good_ids(spans):
        return Checked(body, items, {})
    return _without_invalid_spans(body)


def check_logs(body: bytes) -> Checked:
    """Check an ExportLogsServiceRequest. Raises MalformedRequestError.

    A record with an invalid trace or span id is kept, without the id, as the data model asks; the sender is told.
    """
    records = _LOGS.check(body).resource_logs.scope_logs.log_records
    items = _count_items(body)
    packed, trace_bytes = _pack(records, _LOG_IDS), len(records.trace_id) * _TRACE_FIELD_BYTES
    if _are_ids(packed[:trace_bytes], 9, _TRACE_ID_BYTES) and _are_ids(packed[trace_bytes:], 10, _SPAN_ID_BYTES):
        return Checked(body, items)
    trace_ids, span_ids = Counter(map(len, records.trace_id)), Counter(map(len, records.span_id))
    odd = trace_ids.total() - trace_ids[0] - trace_ids[_TRACE_ID_BYTES]
    odd += span_ids.total() - span_ids[0] - span_ids[_SPAN_ID_BYTES]
    message = f"{odd} trace or span ids have a wrong length; their log records are stored without them." if odd else ""
    return Checked(body, items, {}, message)


def _have_good_ids(spans: Any) -> bool:
    """Tell whether all ids are of the right length and none is zero; a closer look may turn a no into a yes."""
    packed = _pack(spans, _SPAN_IDS)
    traces_end = len(spans.trace_id) * _TRACE_FIELD_BYTES
    spans_end = traces_end + len(spans.span_id) * _SPAN_FIELD_BYTES
    return (
        _are_ids(packed[:traces_end], 1, _TRACE_ID_BYTES)
        and _are_ids(packed[traces_end:spans_end], 2, _SPAN_ID_BYTES)
        and _are_ids(packed[spans_end:], 4, _SPAN_ID_BYTES)
        and packed.find(b"\x0a\x10" + _NO_TRACE_ID, 0, traces_end) < 0
        and packed.find(b"\x12\x08" + _NO_SPAN_ID, traces_end, spans_end) < 0
    )


def _pack(merged: Any, ids: frozenset[str]) -> bytes:
    """Return the ids of a merged message as they are on the wire, one behind the other.

    An object for each of them would cost more than all the rest of the check.
    """
    for field, _value in merged.ListFields():
        if field.name not in ids:
            merged.ClearField(field.name)
    merged.DiscardUnknownFields()
    packed: bytes = merged.SerializeToString()
    return packed


def _are_ids(packed: bytes, field: int, size: int) -> bool:
    """Tell whether `packed` is a row of byte strings of one field and one size: tags and sizes where they must be."""
    count, rest = divmod(len(packed), size + 2)
    return (
        not rest
        and packed[:: size + 2] == bytes([field << 3 | 2]) * count
        and packed[1 :: size + 2] == bytes([size]) * count
    )


def _count_items(body: bytes) -> int:
    return len(_SpanCount.FromString(body).resource.scope.items)


def _without_invalid_spans(body: bytes) -> Checked:
    request = _SpanIds.FromString(body)
    faults: Counter[str] = Counter()
    example = ""
    kept = 0
    for resource_spans in request.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            valid = []
            for span in scope_spans.spans:
                if fault := _find_fault(span):
                    example = example or fault[1]
                    faults[fault[0]] += 1
                else:
                    valid.append(span)
            if len(valid) < len(scope_spans.spans):
                kept_spans = type(scope_spans)(spans=valid)
                del scope_spans.spans[:]
                scope_spans.MergeFrom(kept_spans)
            kept += len(valid)
    rejected = sum(faults.values())
    message = f"{rejected} of {rejected + kept} spans were rejected; the first: {example}" if rejected else ""
    return Checked(request.SerializeToString(), kept, dict(faults), message)


def _find_fault(span: Any) -> tuple[str, str] | None:
    """Return a reason for metrics and one for people, or None."""
    if len(span.trace_id) != _TRACE_ID_BYTES or span.trace_id == _NO_TRACE_ID:
        return "trace_id", f"trace_id {span.trace_id[:64].hex()!r} must have 16 bytes and not be zero."
    if len(span.span_id) != _SPAN_ID_BYTES or span.span_id == _NO_SPAN_ID:
        return "span_id", f"span_id {span.span_id[:64].hex()!r} must have 8 bytes and not be zero."
    if len(span.parent_span_id) not in {0, _SPAN_ID_BYTES}:
        return "parent_span_id", f"parent_span_id {span.parent_span_id[:64].hex()!r} must have 8 bytes, or none."
    return None
