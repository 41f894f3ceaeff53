"""Prometheus' remarks about native histograms, and arithmetic that makes them."""

from dataclasses import dataclass

from gnomon.model.histogram_sums import HistogramSum
from gnomon.model.native_histograms import IncompatibleBucketsError, NativeHistogram
from gnomon.promql.annotations import Annotations
from gnomon.promql.quoting import quote
from gnomon.promql.syntax_tree import Span

MISMATCHED_BUCKETS = "mismatched custom buckets were reconciled during"
COLLIDING_RESETS = "conflicting counter resets during histogram"


@dataclass(frozen=True, slots=True)
class HistogramRemarks:
    """Make remarks about the series of one metric; `span` is the expression that yields it."""

    annotations: Annotations
    span: Span
    metric_name: str = ""

    def mixed_with_floats(self) -> None:
        """Warn that a window holds floats and histograms."""
        name = quote(self.metric_name)
        self.annotations.warn(f"encountered a mix of histograms and floats for metric name {name}", self.span)

    def ignored_beside_floats(self) -> None:
        """Remark that histograms beside floats in a window are passed over."""
        name = quote(self.metric_name)
        message = f"ignored histograms in a range containing both floats and histograms for metric name {name}"
        self.annotations.inform(message, self.span)

    def mixed_layouts(self) -> None:
        """Warn that exponential and custom buckets meet."""
        message = "vector contains a mix of histograms with exponential and custom buckets schemas for metric name"
        self.annotations.warn(f"{message} {quote(self.metric_name)}", self.span)

    def not_a_counter(self) -> None:
        """Warn that a gauge is treated as a counter."""
        message = f"this native histogram metric is not a counter: {quote(self.metric_name)}"
        self.annotations.warn(message, self.span)

    def not_a_gauge(self) -> None:
        """Warn that a counter is treated as a gauge."""
        self.annotations.warn(f"this native histogram metric is not a gauge: {quote(self.metric_name)}", self.span)

    def overlapping_start(self) -> None:
        """Warn that a sample claims to have started before the sample ahead of it."""
        message = "sample has start time that overlaps with previous sample timestamp for metric"
        self.annotations.warn(f"{message} {quote(self.metric_name)}", self.span)

    def colliding_resets(self) -> None:
        """Warn that one part of a sum says reset, and another one not."""
        self.annotations.warn(f"{COLLIDING_RESETS} aggregation", self.span)

    def summed(self, total: HistogramSum) -> None:
        """Remark on what a sum had to reconcile."""
        if total.counter_reset_collision:
            self.colliding_resets()
        if total.bounds_reconciled:
            self.annotations.inform(f"{MISMATCHED_BUCKETS} aggregation", self.span)

    def add(self, one: NativeHistogram, two: NativeHistogram) -> NativeHistogram | None:
        """Return the sum, whatever the two say of resets; None when their buckets do not fit."""
        try:
            total, _, reconciled = one.add(two)
        except IncompatibleBucketsError:
            self.mixed_layouts()
            return None
        if reconciled:
            self.annotations.inform(f"{MISMATCHED_BUCKETS} addition", self.span)
        return total

    def subtract(self, one: NativeHistogram, two: NativeHistogram) -> NativeHistogram | None:
        """Return the difference, whatever the two say of resets; None when their buckets do not fit."""
        try:
            difference, _, reconciled = one.subtract(two)
        except IncompatibleBucketsError:
            self.mixed_layouts()
            return None
        if reconciled:
            self.annotations.inform(f"{MISMATCHED_BUCKETS} subtraction", self.span)
        return difference
