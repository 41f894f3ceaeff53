"""Spans in Jaeger's JSON, as its query service 2.13 answers them for data that came in over OTLP.

Kind, status, scope and trace state are tags beside the attributes; events are logs; links are FOLLOWS_FROM
references. Nested values are JSON text, whole numbers that a JavaScript number cannot hold are text, times are
microseconds.
"""

import json
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

from gnomon.model.any_values import STRING, decode_attribute
from gnomon.model.spans import Event, Link, Span, TypedAttribute

NO_SERVICE = "OTLPResourceNoServiceName"
"""What Jaeger calls the service of a resource without a name."""

_TYPES = {1: "string", 2: "bool", 3: "int64", 4: "float64", 7: "binary"}
_KINDS = ("", "internal", "server", "client", "producer", "consumer")
_STATUSES = ("", "OK", "ERROR")
_ERROR = 2
_EXACT = (1 << 53) - 1

Json = dict[str, Any]


def describe_trace(spans: Sequence[Span]) -> Json:
    """Return one trace; `spans` are those of one trace and at least one."""
    processes: dict[tuple[str, tuple[TypedAttribute, ...]], str] = {}
    # Spans of one origin share it, and its resource need not be looked at for each of them.
    ids: dict[tuple[str, int], str] = {}
    for span in spans:
        if (span.service, id(span.origin)) not in ids:
            process_id = processes.setdefault((span.service, span.origin.resource), f"p{len(processes) + 1}")
            ids[span.service, id(span.origin)] = process_id
    known = {span.span_id for span in spans}
    return {
        "traceID": short_trace_id(spans[0].trace_id),
        "spans": [_describe_span(span, ids[span.service, id(span.origin)], known) for span in spans],
        "processes": {
            process_id: {"serviceName": service or NO_SERVICE, "tags": _tags(_without_service(resource))}
            for (service, resource), process_id in processes.items()
        },
        "warnings": None,
    }


def short_trace_id(trace_id: str) -> str:
    """Return an id as Jaeger writes it: 64 bits if the upper half is zero."""
    return trace_id.removeprefix("0" * 16)


def kind_name(kind: int) -> str:
    """Return a kind as Jaeger writes it."""
    return _KINDS[kind] if 0 <= kind < len(_KINDS) else ""


def _without_service(resource: Iterable[TypedAttribute]) -> list[TypedAttribute]:
    return [attribute for attribute in resource if attribute.key != "service.name"]


def _describe_span(span: Span, process_id: str, known: set[str]) -> Json:
    references = [_reference("CHILD_OF", span.trace_id, span.parent_id)] if span.parent_id else []
    references += [_reference(_link_type(link), link.trace_id, link.span_id) for link in span.links]
    orphaned = bool(span.parent_id) and span.parent_id not in known
    warning = f"invalid parent span IDs={span.parent_id}; skipping clock skew adjustment"
    tags = _tags(span.attributes) + _tags_of_state(span)
    return {
        "traceID": short_trace_id(span.trace_id),
        "spanID": span.span_id,
        "operationName": span.name,
        "references": references,
        "startTime": span.start_ns // 1000,
        "duration": span.duration_ns // 1000,
        "tags": sorted(tags, key=lambda tag: (tag["key"], str(tag["value"]))),
        "logs": [_describe_event(event) for event in span.events],
        "processID": process_id,
        "warnings": [warning] if orphaned else None,
    }


def _tags_of_state(span: Span) -> list[Json]:
    """Return the tags that stand for a span's own fields."""
    found: list[tuple[str, str]] = [
        ("otel.scope.name", span.origin.scope_name),
        ("otel.scope.version", span.origin.scope_version),
        ("span.kind", kind_name(span.kind)),
        ("otel.status_code", _STATUSES[span.status] if 0 <= span.status < len(_STATUSES) else ""),
        ("otel.status_description", span.status_message),
        ("w3c.tracestate", span.trace_state),
    ]
    tags: list[Json] = [{"key": key, "type": "string", "value": value} for key, value in found if value]
    if span.status == _ERROR:
        tags.append({"key": "error", "type": "bool", "value": True})
    return tags


def _describe_event(event: Event) -> Json:
    name = [{"key": "event", "type": "string", "value": event.name}] if event.name else []
    return {"timestamp": event.time_ns // 1000, "fields": [*name, *_tags(event.attributes)]}


def _link_type(link: Link) -> str:
    child_of = any(found.key == "opentracing.ref_type" and found.text == "child_of" for found in link.attributes)
    return "CHILD_OF" if child_of else "FOLLOWS_FROM"


def _reference(kind: str, trace_id: str, span_id: str) -> Json:
    return {"refType": kind, "traceID": short_trace_id(trace_id), "spanID": span_id}


def _tags(attributes: Iterable[TypedAttribute]) -> list[Json]:
    ordered = sorted(attributes, key=itemgetter(0))
    return [
        {"key": found.key, "type": _TYPES.get(found.type_number, "string"), "value": _value(found)} for found in ordered
    ]


def _value(attribute: TypedAttribute) -> object:
    if attribute.type_number == STRING:
        return attribute.text
    value = decode_attribute(attribute.text, attribute.type_number)
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _EXACT:
        return str(value)
    return "" if value is None else value
