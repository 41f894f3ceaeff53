"""HTTP towards targets and discovery services, by the options of Prometheus' file."""

import base64
import ssl
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from gnomon import __version__
from gnomon.ingest.scraping.errors import ScrapeError
from gnomon.ingest.scraping.http_options import HttpOptions, TlsConfig

USER_AGENT = f"Gnomon/{__version__}"

_TLS_VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}


class HttpClient:
    """Send requests with the authorization, certificates and headers of some options."""

    def __init__(self, options: HttpOptions) -> None:
        """Connect to nothing yet."""
        self._options = options
        self._fixed = None if _has_files(options) else _headers(options)
        self._extensions = {"sni_hostname": options.tls_config.server_name} if options.tls_config.server_name else {}
        self._client: httpx.AsyncClient | None = None

    async def get(self, url: str, headers: dict[str, str], *, max_bytes: int = 0) -> tuple[bytes, str]:
        """Return the body of a 200 and its content type; raises ScrapeError for everything else.

        `max_bytes` bounds the body once decompressed. How long it may take is for the caller to bound.
        """
        try:
            return await self._get(url, headers, max_bytes)
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError) as error:
            raise ScrapeError(f'Get "{url}": {_reason(error)}') from error

    async def aclose(self) -> None:
        """Close every connection."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _get(self, url: str, headers: dict[str, str], max_bytes: int) -> tuple[bytes, str]:
        client = self._client
        if client is None:
            options = self._options
            client = self._client = httpx.AsyncClient(
                verify=make_ssl_context(options.tls_config),
                follow_redirects=options.follow_redirects,
                timeout=None,  # noqa: S113 - the caller bounds the whole
                trust_env=False,
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=300.0),
            )
        sent = {"user-agent": USER_AGENT, **(self._fixed or _headers(self._options)), **headers}
        async with client.stream("GET", url, headers=sent, extensions=self._extensions) as response:
            if response.status_code != HTTPStatus.OK:
                raise ScrapeError(
                    f"server returned HTTP status {response.status_code} {response.reason_phrase}".rstrip()
                )
            content_type = response.headers.get("content-type", "")
            if not max_bytes:
                return await response.aread(), content_type
            chunks, size = [], 0
            async for chunk in response.aiter_bytes():
                size += len(chunk)
                if size >= max_bytes:
                    raise ScrapeError("body size limit exceeded")
                chunks.append(chunk)
            return b"".join(chunks), content_type


@lru_cache(maxsize=64)
def make_ssl_context(config: TlsConfig) -> ssl.SSLContext:
    """Return what checks servers' certificates and shows ours; raises OSError where files are wrong."""
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
        headers["authorization"] = f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
    elif authorization is not None:
        secret = _read(authorization.credentials_file) if authorization.credentials_file else authorization.credentials
        headers["authorization"] = f"{authorization.type or 'Bearer'} {secret}"
    return headers


def _read(path: str) -> str:
    """Return a secret from its file, which may have changed since the last request."""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ScrapeError(f"unable to read {path!r}: {error.strerror}") from error


def _reason(error: Exception) -> str:
    reason: BaseException = error
    while reason.__cause__ is not None or reason.__context__ is not None:
        reason = reason.__cause__ or reason.__context__ or reason
    if isinstance(reason, ConnectionRefusedError):
        return "connect: connection refused"
    return str(reason) or str(error) or type(error).__name__
