"""OTLP metrics as Prometheus series: one data point after the other, in Python (docs/adr/0012 says why)."""

import asyncio
import time
from typing import Any

from google.protobuf.message import DecodeError
from starlette.concurrency import run_in_threadpool

from gnomon.ingest.errors import MalformedRequestError
from gnomon.ingest.otlp_deltas import DeltaSums
from gnomon.ingest.otlp_metric_messages import DELTA, MetricsRequest
from gnomon.ingest.otlp_series import SeriesCache
from gnomon.ingest.otlp_translation import Metadata, Translation
from gnomon.ingest.receiver import Accepted, Receiver
from gnomon.ingest.remote_write_validation import MAX_AHEAD_MS
from gnomon.ingest.settings import OtlpSettings
from gnomon.ingest.write_request import STREAM, encode_metadata
from gnomon.lifecycle import Clock

_SIGNAL = "metrics"
_MS = 1_000_000
_THREAD_FROM_BYTES = 1 << 18
_TELL_AGAIN_S = 3600.0
_MAX_TOLD = 20_000


class OtlpMetrics:
    """Accept ExportMetricsServiceRequests, over HTTP and gRPC alike."""

    def __init__(self, receiver: Receiver, settings: OtlpSettings, clock: Clock) -> None:
        """Write what they come to through `receiver`."""
        self._receiver = receiver
        self._clock = clock
        self._series = SeriesCache(settings)
        self._sums = DeltaSums(settings.max_delta_streams)
        self._summing = asyncio.Lock()
        self._told: dict[Metadata, float] = {}

    def reconfigure(self, settings: OtlpSettings) -> None:
        """Translate as `settings` say from now on; sums of deltas go on, and their number stays bounded as it was."""
        if settings != self._series.settings:
            self._series = SeriesCache(settings)

    async def accept(self, body: bytes, *, protocol: str) -> Accepted:
        """Return once the points of a request are synced to disk; single points that cannot be stored are told of.

        Raises MalformedRequestError, or UnavailableError when the sender should try again later.
        """
        began = time.perf_counter()
        try:
            request = MetricsRequest.FromString(body)
        except DecodeError as error:
            self._receiver.count_refusal(protocol, _SIGNAL, "malformed")
            message = f"The body is no ExportMetricsServiceRequest: {error}. Does the sender speak OTLP?"
            raise MalformedRequestError(message) from error
        if not _has_deltas(request):
            return await self._write(request, len(body), protocol, began)
        # A sum that could not be stored must not be built upon.
        async with self._summing:
            try:
                accepted = await self._write(request, len(body), protocol, began)
            except BaseException:
                self._sums.take_back()
                raise
            self._sums.keep()
            return accepted

    async def _write(self, request: Any, size: int, protocol: str, began: float) -> Accepted:
        translation = Translation(self._series, self._sums, self._clock.now_ns() // _MS + MAX_AHEAD_MS)
        try:
            if size < _THREAD_FROM_BYTES:
                translation.add(request)
            else:
                await run_in_threadpool(translation.add, request)
        except MalformedRequestError:
            self._receiver.count_refusal(protocol, _SIGNAL, "malformed")
            raise
        news = [metadata for metadata in translation.metadata if self._is_news(metadata)]
        parts = [*translation.parts, *(encode_metadata(*metadata) for metadata in news)]
        checked = translation.checked(b"".join(parts), len(news))
        accepted = await self._receiver.accept_checked(STREAM, checked, signal=_SIGNAL, protocol=protocol, began=began)
        now = self._clock.monotonic()
        if len(self._told) + len(news) > _MAX_TOLD:
            self._told.clear()
        self._told.update(dict.fromkeys(news, now))
        return accepted

    def _is_news(self, metadata: Metadata) -> bool:
        told = self._told.get(metadata)
        return told is None or self._clock.monotonic() - told > _TELL_AGAIN_S


def _has_deltas(request: Any) -> bool:
    for resource_metrics in request.resource_metrics:
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                # At most one of them is there; the others say 0.
                temporalities = (
                    metric.sum.aggregation_temporality,
                    metric.histogram.aggregation_temporality,
                    metric.exponential_histogram.aggregation_temporality,
                )
                if DELTA in temporalities:
                    return True
    return False
