"""What the SDK tells about itself among the application's metrics: sent, dropped, refused, faults."""

from collections.abc import Callable, Iterable

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gnomon.sdk import faults
from gnomon.sdk.metrics import families
from gnomon.sdk.metrics.catalog import COLLECTED
from gnomon.sdk.outbox import SIGNALS, Outbox

_HELP = {metric.name: metric.help for metric in COLLECTED}


class OwnMetrics(Collector):
    """Read the figures when somebody scrapes or pushes: they cost nothing meanwhile."""

    def __init__(self, outbox: Callable[[], Outbox | None]) -> None:
        """Take how to find the outbox that is in use."""
        self._outbox = outbox

    def describe(self) -> Iterable[Metric]:
        """Name the metrics, so that registering collects nothing."""
        return self.collect()

    def collect(self) -> Iterable[Metric]:
        """Yield each of them, at zero where nothing happened."""
        outbox = self._outbox()
        counts = outbox.counts() if outbox is not None else {}
        for what in ("sent", "dropped", "refused"):
            name = f"gnomon_sdk_{what}_total"
            family = CounterMetricFamily(name, _HELP[name], labels=("signal",))
            for signal in SIGNALS:
                family.add_metric((signal,), counts.get(signal, {}).get(what, 0))
            yield family
        yield GaugeMetricFamily(
            "gnomon_sdk_queue_bytes",
            _HELP["gnomon_sdk_queue_bytes"],
            outbox.waiting_bytes() if outbox is not None else 0,
        )
        failed = CounterMetricFamily("gnomon_sdk_faults_total", _HELP["gnomon_sdk_faults_total"], labels=("doing",))
        for what, count in faults.counts().items():
            failed.add_metric((what,), count)
        yield failed
        replaced = CounterMetricFamily(
            "gnomon_sdk_label_overflows_total",
            _HELP["gnomon_sdk_label_overflows_total"],
            labels=("metric", "label"),
        )
        for (metric, label), count in families.overflows().items():
            replaced.add_metric((metric, label), count)
        yield replaced
