"""What messaging counts: waits, durations and outcomes by broker and topic."""

from gnomon.sdk.faults import guarded
from gnomon.sdk.metrics.families import counter, histogram

_SENT = counter("messaging_messages_sent_total")
_WAITS = histogram("messaging_queue_wait_seconds")
_PROCESSED = histogram("messaging_process_duration_seconds")
_RETRIED = counter("messaging_messages_retried_total")
_DEAD_LETTERED = counter("messaging_messages_dead_lettered_total")


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
