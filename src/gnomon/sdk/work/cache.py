"""Look-ups of caches."""

from threading import Lock

from gnomon.sdk.metrics import families

_hits = families.counter("cache_hits_total")
_misses = families.counter("cache_misses_total")
_rate = families.gauge("cache_hit_rate")

_lock = Lock()
_seen: dict[str, list[int]] = {}


def cache_lookup(cache: str, *, hit: bool) -> None:
    """Count a look-up that a cache answered, or could not."""
    (_hits if hit else _misses).labels(cache).inc()
    with _lock:
        counts = _seen.setdefault(cache, [0, 0])
        counts[hit] += 1
        rate = counts[1] / sum(counts)
    _rate.labels(cache).set(rate)
