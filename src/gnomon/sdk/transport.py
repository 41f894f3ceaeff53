"""One kept-alive HTTP connection to an OTLP receiver, on the standard library, so that no instrumentor sees it."""

import gzip
import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from gnomon.sdk.settings import Settings, is_loopback

_RETRYABLE = frozenset({408, 429, 500, 502, 503, 504})
_COMPRESS_FROM = 1024
_KEPT_OF_ANSWER = 4096


@dataclass(frozen=True, slots=True)
class Answer:
    """Tell how a request ended: `status` 0 means that nobody answered; `retry_after_s` is None where nobody said."""

    status: int
    detail: str
    retry_after_s: float | None = None

    @property
    def accepted(self) -> bool:
        """Whether the receiver took it."""
        return 200 <= self.status < 300  # noqa: PLR2004

    @property
    def worth_retrying(self) -> bool:
        """Whether the same request may be taken later (OTLP/HTTP, "Failures")."""
        return self.status == 0 or self.status in _RETRYABLE


class Connection:
    """Post protobuf bodies; used by one thread at a time, opened when needed, reopened when lost."""

    def __init__(self, settings: Settings) -> None:
        """Take where to and with which headers."""
        parts = urlsplit(settings.endpoint)
        self._host = parts.hostname or "127.0.0.1"
        self._tls = parts.scheme == "https"
        self._port = parts.port or (443 if self._tls else 80)
        self._prefix = parts.path.rstrip("/")
        self._certificate = settings.certificate
        self._timeout_s = settings.timeout_s
        self._compress = not is_loopback(settings.endpoint)
        self._headers: Mapping[str, str] = {
            "content-type": "application/x-protobuf",
            "user-agent": "gnomon-sdk-python",
            **settings.headers,
        }
        self._open: http.client.HTTPConnection | None = None

    def post(self, path: str, body: bytes, timeout_s: float | None = None) -> Answer:
        """Send one request; try once more at once where the kept connection turns out to be closed."""
        headers = dict(self._headers)
        if self._compress and len(body) >= _COMPRESS_FROM:
            body = gzip.compress(body, compresslevel=1)
            headers["content-encoding"] = "gzip"
        kept = self._open is not None
        answer = self._try(path, body, headers, timeout_s)
        if answer.status == 0 and kept:
            answer = self._try(path, body, headers, timeout_s)
        return answer

    def close(self) -> None:
        """Close the connection; the next post opens another."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def forget(self) -> None:
        """Drop the connection without touching its socket: after a fork it belongs to the parent."""
        self._open = None

    def _try(self, path: str, body: bytes, headers: Mapping[str, str], timeout_s: float | None) -> Answer:
        try:
            connection = self._open or self._connect()
            wanted = self._timeout_s if timeout_s is None else min(timeout_s, self._timeout_s)
            connection.timeout = wanted
            if connection.sock is not None:
                connection.sock.settimeout(wanted)
            connection.request("POST", self._prefix + path, body, dict(headers))
            response = connection.getresponse()
            detail = response.read()[:_KEPT_OF_ANSWER].decode("utf-8", "replace")
            if response.will_close:
                self.close()
            return Answer(response.status, detail, _seconds(response.headers.get("retry-after")))
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return Answer(0, f"{type(error).__name__}: {error}")

    def _connect(self) -> http.client.HTTPConnection:
        if self._tls:
            context = ssl.create_default_context(cafile=self._certificate or None)
            self._open = http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout_s, context=context)
        else:
            self._open = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)
        return self._open


def _seconds(value: str | None) -> float | None:
    try:
        return None if value is None else max(0.0, float(value))
    except ValueError:
        return None
