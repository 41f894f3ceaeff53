"""Who may read what people and models said: a permission of its own, for it may be anything."""

from contextvars import ContextVar
from dataclasses import replace
from typing import Annotated, Any

from fastapi import Depends, Request

from gnomon.model.api_keys import ApiKey, Scope
from gnomon.model.llm_content import HIDDEN, is_content, is_message_event
from gnomon.model.log_records import LogRecord
from gnomon.traces.trace_views import Attribute, SpanDetails


async def may_read_content(request: Request) -> bool:
    """Return whether the request's key permits content; without a key asked for, everybody may."""
    key: ApiKey | None = getattr(request.state, "api_key", None)
    return key is None or key.permits(Scope.CONTENT)


ContentAccessDep = Annotated[bool, Depends(may_read_content)]

_permitted: ContextVar[bool] = ContextVar("content_permitted", default=True)


async def remember_content_access(content: ContentAccessDep) -> None:
    """Keep for what a request streams, long after its route returned, whether it may tell content."""
    _permitted.set(content)


def shows_field(name: str) -> bool:
    """Return whether the request under way may see the values of a field."""
    return _permitted.get() or not is_content(name)


def hide_in_record(record: LogRecord) -> LogRecord:
    """Return a log record as the request under way may see it: without what was said, unless its key permits that."""
    if _permitted.get():
        return record
    # Senders older than the field of a record name its event in an attribute.
    whole = is_message_event(record.event_name or str(record.attributes.get("event.name", "")))
    attributes = {key: HIDDEN if whole or is_content(key) else value for key, value in record.attributes.items()}
    if whole:
        return replace(record, body=HIDDEN, structured_body=None, attributes=attributes)
    return replace(record, attributes=attributes)


def hide_in_span(span: SpanDetails) -> SpanDetails:
    """Return a span without what was said in it."""
    return replace(
        span,
        attributes=_without(span.attributes),
        events=tuple(
            replace(event, attributes=_without(event.attributes, whole=is_message_event(event.name)))
            for event in span.events
        ),
    )


def hide_in_tags(value: Any) -> Any:
    """Return decoded JSON in which Jaeger's tags and logs tell nothing of what was said."""
    if isinstance(value, list | tuple):
        return [hide_in_tags(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "key" in value and "value" in value:
        return {**value, "value": HIDDEN} if is_content(str(value["key"])) else value
    fields = value.get("fields")
    if isinstance(fields, list) and any(_tells_message(field) for field in fields):
        kept = [field if field.get("key") == "event" else {**field, "value": HIDDEN} for field in fields]
        return {**value, "fields": kept}
    return {key: hide_in_tags(item) for key, item in value.items()}


def _tells_message(field: dict[str, Any]) -> bool:
    return field.get("key") == "event" and is_message_event(str(field.get("value")))


def _without(attributes: tuple[Attribute, ...], *, whole: bool = False) -> tuple[Attribute, ...]:
    return tuple(replace(found, value=HIDDEN) if whole or is_content(found.key) else found for found in attributes)
