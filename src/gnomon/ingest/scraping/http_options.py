"""How a request to a target or a discovery service is sent: authorization, TLS, headers, redirects."""

from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, model_validator

from gnomon.ingest.scraping.file_sections import Section

_NOT_SUPPORTED = {
    "oauth2": "use authorization with a credentials_file that something else renews",
    "proxy_url": "Gnomon reaches targets directly",
    "proxy_from_environment": "Gnomon reaches targets directly",
    "proxy_connect_header": "Gnomon reaches targets directly",
    "no_proxy": "Gnomon reaches targets directly",
}
_RESERVED_HEADERS = frozenset(
    {
        "authorization",
        "host",
        "content-encoding",
        "content-length",
        "content-type",
        "user-agent",
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "www-authenticate",
        "accept-encoding",
        "x-prometheus-remote-write-version",
        "x-prometheus-remote-read-version",
        "x-prometheus-scrape-timeout-seconds",
        "accept",
    }
)


def _texts(value: object) -> object:
    return [value] if isinstance(value, str) else value


class BasicAuth(Section):
    """A user and a password, each written here or in a file that is read for each request."""

    username: str = ""
    username_file: str = ""
    password: str = Field(default="", repr=False)
    password_file: str = ""

    @model_validator(mode="after")
    def _check(self) -> "BasicAuth":
        for name in ("username", "password"):
            if getattr(self, name) and getattr(self, f"{name}_file"):
                raise ValueError(f"at most one of basic_auth {name} & {name}_file must be configured")
        return self


class Authorization(Section):
    """An Authorization header of any type but basic."""

    type: Annotated[str, BeforeValidator(lambda value: value.strip() if isinstance(value, str) else value)] = "Bearer"
    credentials: str = Field(default="", repr=False)
    credentials_file: str = ""

    @model_validator(mode="after")
    def _check(self) -> "Authorization":
        if self.credentials and self.credentials_file:
            raise ValueError("at most one of authorization credentials & credentials_file must be configured")
        if self.type.lower() == "basic":
            raise ValueError('authorization type cannot be set to "basic", use "basic_auth" instead')
        return self


TlsVersion = Literal["", "TLS10", "TLS11", "TLS12", "TLS13"]


class TlsConfig(Section):
    """Certificates: whom to trust, and what to show."""

    ca: str = ""
    cert: str = ""
    key: str = Field(default="", repr=False)
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    server_name: str = ""
    insecure_skip_verify: bool = False
    min_version: TlsVersion = ""
    max_version: TlsVersion = ""

    @model_validator(mode="after")
    def _check(self) -> "TlsConfig":
        for name in ("ca", "cert", "key"):
            if getattr(self, name) and getattr(self, f"{name}_file"):
                raise ValueError(f"at most one of {name} and {name}_file must be configured")
        if bool(self.cert or self.cert_file) != bool(self.key or self.key_file):
            raise ValueError(
                "client certificate and key must be configured together (cert or cert_file, key or key_file)"
            )
        return self


class HeaderValues(Section):
    """The values of one header."""

    values: Annotated[tuple[str, ...], BeforeValidator(_texts)] = ()
    secrets: Annotated[tuple[str, ...], BeforeValidator(_texts)] = Field(default=(), repr=False)
    files: Annotated[tuple[str, ...], BeforeValidator(_texts)] = ()


class HttpOptions(Section):
    """The keys about HTTP that stand among those of a scrape job or a discovery service."""

    basic_auth: BasicAuth | None = None
    authorization: Authorization | None = None
    bearer_token: str = Field(default="", repr=False)
    bearer_token_file: str = ""
    tls_config: TlsConfig = TlsConfig()
    follow_redirects: bool = True
    enable_http2: bool = True
    http_headers: dict[str, HeaderValues] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _refuse_what_is_missing_here(cls, content: Any) -> Any:
        if isinstance(content, dict):
            for key, advice in _NOT_SUPPORTED.items():
                if content.get(key) not in (None, "", "false"):
                    raise ValueError(f"{key} is not supported: {advice}")
            return {key: value for key, value in content.items() if key not in _NOT_SUPPORTED}
        return content

    @model_validator(mode="after")
    def _check_authorization(self) -> "HttpOptions":
        if self.bearer_token and self.bearer_token_file:
            raise ValueError("at most one of bearer_token & bearer_token_file must be configured")
        bearer = bool(self.bearer_token or self.bearer_token_file)
        if sum((self.basic_auth is not None, self.authorization is not None, bearer)) > 1:
            raise ValueError(
                "at most one of basic_auth, authorization, bearer_token & bearer_token_file must be configured"
            )
        if reserved := [name for name in self.http_headers if name.lower() in _RESERVED_HEADERS]:
            raise ValueError(f"http_headers may not set {reserved[0]!r}")
        return self

    @property
    def effective_authorization(self) -> Authorization | None:
        """Return the authorization, whether written in the old way or in the new."""
        if self.bearer_token or self.bearer_token_file:
            return Authorization(credentials=self.bearer_token, credentials_file=self.bearer_token_file)
        return self.authorization


Options = TypeVar("Options", bound=HttpOptions)


def place_http_files(options: Options, folder: Path) -> Options:
    """Return options whose relative paths are relative to `folder`."""

    def placed(section: Section, *names: str) -> Section:
        written = {name: getattr(section, name) for name in names}
        return section.model_copy(update={name: str(folder / path) for name, path in written.items() if path})

    update: dict[str, object] = {"tls_config": placed(options.tls_config, "ca_file", "cert_file", "key_file")}
    if options.basic_auth is not None:
        update["basic_auth"] = placed(options.basic_auth, "username_file", "password_file")
    if options.authorization is not None:
        update["authorization"] = placed(options.authorization, "credentials_file")
    if options.bearer_token_file:
        update["bearer_token_file"] = str(folder / options.bearer_token_file)
    if options.http_headers:
        update["http_headers"] = {
            name: header.model_copy(update={"files": tuple(str(folder / path) for path in header.files)})
            for name, header in options.http_headers.items()
        }
    return options.model_copy(update=update)
