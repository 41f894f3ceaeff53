"""What happens to each span on its way: the work's attributes in, bytes out."""

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import SpanKind

from gnomon.sdk import context, export, wire
from gnomon.sdk.faults import note
from gnomon.sdk.outbox import Outbox
from gnomon.sdk.tracing.database import count_statement
from gnomon.sdk.tracing.sampling import is_kept


class SpanSender(SpanProcessor):
    """Give each span the current work's attributes, and queue what is kept when it ends."""

    def __init__(self) -> None:
        """Queue nothing yet."""
        self._outbox: Outbox | None = None
        self._slow_ns = 0

    def aim(self, outbox: Outbox | None, slow_s: float) -> None:
        """Queue here from now on, or nowhere; spans that take `slow_s` are kept whatever the sampler said."""
        self._slow_ns = int(slow_s * 1e9)
        self._outbox = outbox

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:  # noqa: ARG002 - the interface's
        """Say on the span whose work it is."""
        work = context.current()
        if work is not context.EMPTY:
            attributes = work.attributes()
            if attributes:
                span.set_attributes(attributes)

    def on_end(self, span: ReadableSpan) -> None:
        """Encode and queue."""
        try:
            for watcher in export.watchers():
                watcher.on_span(span)
            if span.kind is SpanKind.CLIENT:
                count_statement(span)
            if self._outbox is not None and is_kept(span, self._slow_ns):
                self._outbox.put("traces", span.instrumentation_scope, wire.span(span))
        except Exception as error:  # noqa: BLE001 - a span that cannot be sent is the SDK's fault alone
            note("queue a span", error)

    def shutdown(self) -> None:
        """Leave the outbox to who made it."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Send what waits."""
        return self._outbox.flush(timeout_millis / 1000) if self._outbox is not None else True
