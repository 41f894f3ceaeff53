"""HTTP towards targets and discovery services, by the options of Prometheus' file."""

import base64
import ssl
from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urljoin

from gnomon import __version__
from gnomon.ingest.scraping.errors import ScrapeError
from gnomon.ingest.scraping.http_connection import Address, Answer, HttpConnection, split_url
from gnomon.ingest.scraping.http_options import HttpOptions, TlsConfig

USER_AGENT = f"Gnomon/{__version__}"

Server = tuple[str, str, int]

_AUTHORIZATION = "Authorization"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 10
_TLS_VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}


class HttpClient:
    """Send GET requests with the authorization, certificates and headers of some options."""

    def __init__(self, options: HttpOptions) -> None:
        """Connect to nothing yet."""
        self._options = options
        self._fixed = None if _has_files(options) else _headers(options)
        self._idle: dict[Server, list[HttpConnection]] = {}

    async def get(self, url: str, headers: Mapping[str, str], *, max_bytes: int = 0) -> tuple[bytes, str]:
        """Return the body of a 200 and its content type; raises ScrapeError for everything else.

        `max_bytes` bounds the body once decompressed. How long it may take is for the caller to bound.
        """
        sent = {"User-Agent": USER_AGENT, **(self._fixed or _headers(self._options)), **headers}
        try:
            answer = await self._follow(url, sent, max_bytes)
        except (OSError, ValueError) as error:
            raise ScrapeError(f'Get "{url}": {_reason(error)}') from error
        if answer.status != HTTPStatus.OK:
            raise ScrapeError(f"server returned HTTP status {answer.status} {answer.reason}".rstrip())
        if max_bytes and len(answer.body) >= max_bytes:
            raise ScrapeError("body size limit exceeded")
        return answer.body, answer.headers.get("content-type", "")

    async def aclose(self) -> None:
        """Close every connection."""
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()

    async def _follow(self, url: str, headers: Mapping[str, str], max_bytes: int) -> Answer:
        first = split_url(url)
        address, sent = first, headers
        for _ in range(_MOST_REDIRECTS):
            answer = await self._ask(address, sent, max_bytes)
            location = answer.headers.get("location", "")
            if answer.status not in _REDIRECTS or not location or not self._options.follow_redirects:
                return answer
            url = urljoin(url, location)
            address = split_url(url)
            # What authorizes here is nobody else's business.
            away = address.host != first.host
            sent = {name: value for name, value in headers.items() if name != _AUTHORIZATION} if away else headers
        raise ScrapeError(f"stopped after {_MOST_REDIRECTS} redirects")

    async def _ask(self, address: Address, headers: Mapping[str, str], max_bytes: int) -> Answer:
        idle = self._idle.setdefault(address.server, [])
        while idle:
            connection = idle.pop()
            if not connection.reusable:
                continue
            try:
                return await self._use(connection, address, headers, max_bytes)
            except ConnectionError:
                # The server closed it while nobody looked: a fresh one tells whether it is there.
                continue
        context = make_ssl_context(self._options.tls_config) if address.scheme == "https" else None
        connection = await HttpConnection.open(address, context, self._options.tls_config.server_name)
        return await self._use(connection, address, headers, max_bytes)

    async def _use(
        self, connection: HttpConnection, address: Address, headers: Mapping[str, str], max_bytes: int
    ) -> Answer:
        try:
            answer = await connection.get(address, headers, max_bytes)
        except BaseException:
            # Given up just when the answer was whole, for instance: nobody else will close it.
            connection.close()
            raise
        if connection.reusable:
            self._idle.setdefault(address.server, []).append(connection)
        return answer


def make_ssl_context(config: TlsConfig) -> ssl.SSLContext:
    """Return what checks servers' certificates and shows ours; raises OSError where files are wrong.

    It takes a while to make one, so it is kept until a file changes: certificates are renewed while a server runs.
    """
    files = (config.ca_file, config.cert_file, config.key_file)
    return _make_ssl_context(config, tuple(Path(path).stat().st_mtime_ns if path else 0 for path in files))


@lru_cache(maxsize=64)
def _make_ssl_context(config: TlsConfig, _changed_ns: tuple[int, ...]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=config.ca_file or None, cadata=config.ca or None)
    if config.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if config.min_version:
        context.minimum_version = _TLS_VERSIONS[config.min_version]
    if config.max_version:
        context.maximum_version = _TLS_VERSIONS[config.max_version]
    if config.cert_file or config.cert:
        _load_certificate(context, config)
    return context


def _load_certificate(context: ssl.SSLContext, config: TlsConfig) -> None:
    # The ssl module reads certificates from files only.
    with TemporaryDirectory() as folder:
        certificate = Path(config.cert_file) if config.cert_file else _keep(Path(folder, "certificate"), config.cert)
        key = Path(config.key_file) if config.key_file else _keep(Path(folder, "key"), config.key)
        context.load_cert_chain(certificate, key)


def _keep(path: Path, text: str) -> Path:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    return path


def _has_files(options: HttpOptions) -> bool:
    basic, authorization = options.basic_auth, options.effective_authorization
    return bool(
        (basic and (basic.username_file or basic.password_file))
        or (authorization and authorization.credentials_file)
        or any(header.files for header in options.http_headers.values())
    )


def _headers(options: HttpOptions) -> dict[str, str]:
    headers = {}
    for name, header in options.http_headers.items():
        values = (*header.values, *header.secrets, *(_read(path) for path in header.files))
        headers[name] = ", ".join(values)
    basic, authorization = options.basic_auth, options.effective_authorization
    if basic is not None:
        user = _read(basic.username_file) if basic.username_file else basic.username
        password = _read(basic.password_file) if basic.password_file else basic.password
        headers[_AUTHORIZATION] = f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
    elif authorization is not None:
        secret = _read(authorization.credentials_file) if authorization.credentials_file else authorization.credentials
        headers[_AUTHORIZATION] = f"{authorization.type or 'Bearer'} {secret}"
    return headers


def _read(path: str) -> str:
    """Return a secret from its file, which may have changed since the last request."""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ScrapeError(f"unable to read {path!r}: {error.strerror}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError) or "Connect call failed" in str(error):
        return "connect: connection refused"
    return str(error) or type(error).__name__
