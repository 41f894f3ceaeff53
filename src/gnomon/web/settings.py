"""What the web server needs to be told."""

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """Say where to listen, whom to let in and how much to give; ports of 0 mean any free one."""

    host: str = "127.0.0.1"
    port: int = 1212
    otlp_http_port: int = 4318
    otlp_grpc_port: int = 4317
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    require_keys: bool = False
    allowed_hosts: tuple[str, ...] = ()
    ingest_origins: tuple[str, ...] = ()
    session_lifetime_s: float = 43_200
    drain_timeout_s: float = 20
    max_body_bytes: int = 64 * 2**20
    max_query_time_s: float = 30
    max_query_memory_bytes: int = 2 * 2**30
    max_result_rows: int = 1_000_000

    @property
    def keys_required(self) -> bool:
        """Return whether requests must carry an API key: on every address but loopback, or where it is asked for."""
        return self.require_keys or not is_loopback(self.host)

    @property
    def scheme(self) -> str:
        """Return `https` when a certificate is set."""
        return "https" if self.tls_certificate else "http"


@lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """Return whether `host` can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
