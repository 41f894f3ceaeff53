"""A span at a third of the price: OpenTelemetry's own class, its state in plain dictionaries, made when it is needed.

The SDK's spans hold locks, bounded containers and a dozen references each, and are copied when they end. These do what
those do, to the byte on the wire (tests/unit/sdk/tracing/test_spans.py compares them call by call).
"""

import logging
from collections.abc import Mapping, Sequence
from time import time_ns
from types import MappingProxyType
from typing import Any, Protocol

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, Span, SpanLimits
from opentelemetry.sdk.util import BoundedList
from opentelemetry.sdk.util.instrumentation import InstrumentationInfo, InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode

# OpenTelemetry's name, so that whoever silences or looks for its warnings finds these.
_log = logging.getLogger("opentelemetry.sdk.trace")
_UNSET = Status(StatusCode.UNSET)


class Maker(Protocol):
    """What the spans of one tracer share, and who is told when one of them ends."""

    limits: SpanLimits
    scope: InstrumentationScope
    attribute_limit: float
    text_limit: float

    @property
    def resource(self) -> Resource:
        """What describes this process."""

    def ended(self, span: "WireSpan") -> None:
        """Take a span that has ended."""


class WireSpan(Span):
    """Record one piece of work; setters do nothing but warn once it has ended."""

    _events: Any = ()
    _links: Any = ()
    _end_time: int | None = None
    _status = _UNSET
    _dropped = 0
    _record_exception = True
    _set_status_on_exception = True
    _instrumentation_info: InstrumentationInfo | None = None

    def __init__(
        self,
        tracer: Maker,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        kind: SpanKind,
        started_ns: int,
    ) -> None:
        """Begin; attributes and links come through the setters."""
        self._tracer = tracer
        self._name = name
        self._ids = self._context = context
        self._parent = parent
        self._kind = kind
        self._start_time: int | None = started_ns
        self._attributes: dict[str, Any] = {}

    # What the same spans of a tracer share.

    @property
    def _limits(self) -> SpanLimits:
        return self._tracer.limits

    @property
    def _resource(self) -> Resource:  # type: ignore[override]
        return self._tracer.resource

    @property
    def _instrumentation_scope(self) -> InstrumentationScope:  # type: ignore[override]
        return self._tracer.scope

    # Reading.

    def get_span_context(self) -> SpanContext:
        """Return the ids."""
        return self._ids

    def is_recording(self) -> bool:
        """Tell whether it has yet to end."""
        return self._end_time is None

    @property
    def attributes(self) -> Mapping[str, Any]:
        """Return the attributes, which cannot be changed here."""
        return MappingProxyType(self._attributes)

    @property
    def dropped_attributes(self) -> int:
        """Return how many attributes found no room or were none."""
        return self._dropped

    def _readable_span(self) -> ReadableSpan:
        return self

    # Writing.

    def set_attribute(self, key: str, value: Any) -> None:
        """Set an attribute."""
        if self._is_open("Setting attribute on ended span."):
            self._put(key, value)

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Set attributes."""
        if not self._is_open("Setting attribute on ended span."):
            return
        held = self._attributes
        limits = self._tracer
        for key, value in attributes.items():
            kind = type(value)
            if (
                key
                and type(key) is str
                and key not in held
                and (kind is int or kind is bool or kind is float or (kind is str and len(value) <= limits.text_limit))
                and len(held) < limits.attribute_limit
            ):
                held[key] = value
            elif type(key) is str or not key:
                self._put(key, value)
            else:
                # As a mapping's, a key that is no text becomes one.
                for text, cleaned in BoundedAttributes(None, {key: value}).items():
                    self._put(text, cleaned)

    def _put(self, key: Any, value: Any) -> None:
        limits = self._limits
        cleaner = BoundedAttributes(None, None, immutable=False, max_value_len=limits.max_span_attribute_length)
        cleaner[key] = value
        most = limits.max_span_attributes
        if key not in cleaner or most == 0:
            self._dropped += 1
            return
        held = self._attributes
        held.pop(key, None)
        if most is not None and len(held) >= most:
            _log.warning("A span has %d attributes: %r takes the place of the oldest.", most, key)
            held.pop(next(iter(held)), None)
            self._dropped += 1
        held[key] = cleaner[key]

    def add_event(self, name: str, attributes: Mapping[str, Any] | None = None, timestamp: int | None = None) -> None:
        """Add an event, now or at a time."""
        if not self._is_open("Tried calling _add_event on an ended span."):
            return
        limits = self._limits
        bounded = BoundedAttributes(
            limits.max_event_attributes, attributes, immutable=True, max_value_len=limits.max_attribute_length
        )
        self._kept("_events", limits.max_events).append(Event(name, bounded, timestamp))

    def add_link(self, context: SpanContext, attributes: Mapping[str, Any] | None = None) -> None:
        """Add a link, unless it leads nowhere and says nothing."""
        if not (context.is_valid or attributes or context.trace_state):
            return
        if not self._is_open("Tried calling _add_link on an ended span."):
            return
        limits = self._limits
        bounded = BoundedAttributes(
            limits.max_link_attributes, attributes, immutable=True, max_value_len=limits.max_attribute_length
        )
        self._kept("_links", limits.max_links).append(Link(context, bounded))

    def begin_links(self, links: Sequence[Link]) -> None:
        """Add the links that a span starts with."""
        for link in links:
            self.add_link(link.context, link.attributes)

    def _kept(self, name: str, most: int | None) -> Any:
        return vars(self).setdefault(name, BoundedList(most))

    def update_name(self, name: str) -> None:
        """Give it another name."""
        if self._is_open("Tried calling update_name on an ended span."):
            self._name = name

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Say how it went; OK is final, and UNSET changes nothing."""
        if not self._is_open("Tried calling set_status on an ended span."):
            return
        if isinstance(status, Status):
            if description is not None:
                _log.warning("Description %s ignored. Use either `Status` or `(StatusCode, Description)`", description)
        else:
            status = Status(status, description)
        if self._status.status_code is not StatusCode.OK and status.status_code is not StatusCode.UNSET:
            self._status = status

    def start(self, start_time: int | None = None, parent_context: Context | None = None) -> None:  # noqa: ARG002
        """Do nothing: it has started."""
        _log.warning("Calling start() on a started span.")

    def end(self, end_time: int | None = None) -> None:
        """End, now or at a time."""
        if self._end_time is not None:
            _log.warning("Calling end() on an ended span.")
            return
        self._end_time = time_ns() if end_time is None else end_time
        self._tracer.ended(self)

    def _is_open(self, warning: str) -> bool:
        if self._end_time is None:
            return True
        _log.warning(warning)
        return False
