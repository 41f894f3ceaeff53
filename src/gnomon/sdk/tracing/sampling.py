"""Which traces are kept: a share of them whole, and of the others what failed or was slow."""

from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode, TraceState, get_current_span
from opentelemetry.util.types import Attributes

_BITS_56 = (1 << 56) - 1
_SAMPLED = 0x01


class KeepingSampler(Sampler):
    """Follow the parent's decision, else take a share of the traces by their id; record the others locally.

    What is recorded and not sampled costs no bandwidth; `is_kept` decides about it when it ends. The share is cut from
    the lowest 56 bits of the trace id, as W3C Trace Context Level 2 lets everybody who sees the id do alike. A ratio of
    None records nothing at all.
    """

    def __init__(self) -> None:
        """Record nothing yet."""
        self._bound = 0
        self._ratio: float | None = None

    def take(self, ratio: float | None) -> None:
        """Keep this share of traces whole from now on."""
        self._ratio = ratio
        self._bound = 0 if ratio is None else round(ratio * (_BITS_56 + 1))

    def samples(self, parent: SpanContext | None, trace_id: int) -> bool | None:
        """Tell whether a span of this trace is sampled; None where it is not even recorded."""
        if self._ratio is None:
            return None
        if parent is not None:
            return bool(parent.trace_flags & _SAMPLED)
        return (trace_id & _BITS_56) < self._bound

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,  # noqa: ARG002 - the interface's
        kind: SpanKind | None = None,  # noqa: ARG002 - as above
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,  # noqa: ARG002 - as above
        trace_state: TraceState | None = None,  # noqa: ARG002 - as above
    ) -> SamplingResult:
        """Decide for a span that starts."""
        parent = get_current_span(parent_context).get_span_context()
        sampled = self.samples(parent if parent.is_valid else None, trace_id)
        if sampled is None:
            return SamplingResult(Decision.DROP)
        return SamplingResult(
            Decision.RECORD_AND_SAMPLE if sampled else Decision.RECORD_ONLY, attributes, parent.trace_state
        )

    def get_description(self) -> str:
        """Name the sampler and its share."""
        return f"KeepingSampler{{{self._ratio}}}"


def is_kept(span: ReadableSpan, slow_ns: int) -> bool:
    """Tell whether an ended span is sent: sampled, failed, or at least as slow as said."""
    context = span.context
    if context is not None and context.trace_flags & _SAMPLED:
        return True
    if span.status.status_code is StatusCode.ERROR:
        return True
    return (span.end_time or 0) - (span.start_time or 0) >= slow_ns
