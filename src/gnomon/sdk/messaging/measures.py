"""What messaging counts: waits, durations and outcomes by broker and topic."""

from gnomon.sdk.faults import guarded
from gnomon.sdk.metrics.families import counter, histogram

_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
_TOPIC = ("system", "destination")

_SENT = counter(
    "messaging_messages_sent_total",
    "Messages handed to a broker; error is empty for those that it took.",
    (*_TOPIC, "error"),
)
_WAITS = histogram(
    "messaging_queue_wait_seconds",
    "Time between sending a message, or the time that its retry was due, and its receipt by a consumer.",
    _TOPIC,
    _BUCKETS_S,
)
_PROCESSED = histogram(
    "messaging_process_duration_seconds",
    "Time that attempts to process a message took, by outcome: processed or failed.",
    (*_TOPIC, "outcome"),
    _BUCKETS_S,
)
_RETRIED = counter("messaging_messages_retried_total", "Attempts that failed and are made again.", _TOPIC)
_DEAD_LETTERED = counter("messaging_messages_dead_lettered_total", "Messages moved to a dead letter queue.", _TOPIC)


def record_sent(system: str, destination: str, error: str) -> None:
    """Count a message that was sent, or could not be."""
    with guarded("count a sent message"):
        _SENT.labels(system, destination, error).inc()


def record_wait(system: str, destination: str, wait_s: float) -> None:
    """Count how long a message waited, in seconds."""
    with guarded("count a wait"):
        _WAITS.labels(system, destination).observe(wait_s)


def record_processed(system: str, destination: str, outcome: str, duration_s: float) -> None:
    """Count an attempt and its seconds."""
    with guarded("count a processed message"):
        _PROCESSED.labels(system, destination, outcome).observe(duration_s)


def record_retry(system: str, destination: str) -> None:
    """Count an attempt that is made again."""
    with guarded("count a retry"):
        _RETRIED.labels(system, destination).inc()


def record_dead_letter(system: str, destination: str) -> None:
    """Count a message that was moved to the dead letter queue."""
    with guarded("count a dead letter"):
        _DEAD_LETTERED.labels(system, destination).inc()
