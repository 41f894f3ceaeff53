"""What can be set about ingest."""

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class IngestSettings:
    """Bound requests, and say which web pages may send.

    `max_body_bytes` counts after decompression. `cors_origins` lists the origins (`https://shop.example`, or `*`) whose
    pages may send OTLP from a browser; empty means none.
    """

    max_body_bytes: int = 64 * MIB
    cors_origins: tuple[str, ...] = ()
