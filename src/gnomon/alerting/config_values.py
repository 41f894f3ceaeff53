"""Kinds of values in Alertmanager's configuration file."""

import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from gnomon.alerting.matcher_syntax import Matchers, parse_matchers
from gnomon.ingest.scraping.file_sections import Section
from gnomon.ingest.scraping.http_options import HttpOptions
from gnomon.model.errors import InvalidInputError
from gnomon.model.matchers import Matcher, MatchOperator

HIDDEN = "<secret>"

_GO_UNITS_MS = {"ns": 1e-6, "us": 1e-3, "µs": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4, "h": 3.6e6}
_GO_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)")
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_HOST_PORT = re.compile(r"(?:\[([^\]]*)\]|([^:\[\]]*)):([^:]*)")


def _check_url(url: str) -> str:
    if url == HIDDEN:
        return url
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ValueError(f"no URL: {error}") from error
    if parts.scheme not in {"http", "https"}:
        raise ValueError(f'unsupported scheme "{parts.scheme}" for URL')
    if not parts.netloc:
        raise ValueError("missing host for URL")
    return url


def _go_duration_ms(value: object) -> object:
    if not isinstance(value, str):
        return value
    if re.fullmatch(r"[+-]?\d+", value):
        return int(value) / 1e6
    sign, text = (-1, value[1:]) if value.startswith("-") else (1, value.removeprefix("+"))
    total, position = 0.0, 0
    while part := _GO_PART.match(text, position):
        total += float(part[1]) * _GO_UNITS_MS[part[2]]
        position = part.end()
    if position != len(text) or not text:
        raise ValueError(f'invalid duration "{value}"')
    return sign * total


def _host_port(value: object) -> object:
    if not isinstance(value, str) or not value:
        return None if value == "" else value
    found = _HOST_PORT.fullmatch(value)
    if found is None:
        problem = "missing port in address" if value.count(":") == 0 else "too many colons in address"
        raise ValueError(f"address {value}: {problem}")
    if not found[3]:
        raise ValueError(f'address "{value}": port cannot be empty')
    return found[1] or found[2] or "", found[3]


def _label_name(name: str) -> str:
    if not _LABEL_NAME.fullmatch(name):
        raise ValueError(f'invalid label name "{name}"')
    return name


def _any_label_name(name: str) -> str:
    if not name:
        raise ValueError('invalid label name ""')
    return name


def _matchers(value: object) -> object:
    if not isinstance(value, list | tuple):
        return value
    found: list[Matcher] = []
    for text in value:
        if isinstance(text, Matcher):
            found.append(text)
            continue
        if not isinstance(text, str):
            raise ValueError("a matcher must be text")  # noqa: TRY004 - pydantic takes ValueError alone
        try:
            found += parse_matchers(text)
        except InvalidInputError as error:
            raise ValueError(str(error)) from error
    return tuple(found)


def _pattern(value: str) -> str:
    try:
        Matcher("pattern", MatchOperator.REGEX, value)
    except InvalidInputError as error:
        raise ValueError(str(error)) from error
    return value


Secret = Annotated[str, Field(repr=False)]
Url = Annotated[str, AfterValidator(_check_url)]
SecretUrl = Annotated[str, Field(repr=False), AfterValidator(_check_url)]
GoDurationMs = Annotated[float, BeforeValidator(_go_duration_ms)]
HostPort = Annotated[tuple[str, str] | None, BeforeValidator(_host_port)]
ClassicLabelName = Annotated[str, AfterValidator(_label_name)]
LabelName = Annotated[str, AfterValidator(_any_label_name)]
MatcherList = Annotated[Any, BeforeValidator(_matchers)]
Pattern = Annotated[str, AfterValidator(_pattern)]
EqualLabels = dict[ClassicLabelName, str]
PatternLabels = dict[ClassicLabelName, Pattern]


def join_matchers(equal: EqualLabels, patterns: PatternLabels, matchers: Matchers) -> Matchers:
    """Return the matchers of all three ways to write them."""
    return (
        *(Matcher(name, MatchOperator.EQUAL, value) for name, value in equal.items()),
        # The anchors are superfluous, but Alertmanager names groups with them.
        *(Matcher(name, MatchOperator.REGEX, f"^(?:{value})$") for name, value in patterns.items()),
        *matchers,
    )


class OAuth2(Section):
    """How to get a token by the client credentials grant."""

    client_id: str = ""
    client_secret: Secret = ""
    client_secret_file: str = ""
    client_certificate_key_id: str = ""
    client_certificate_key: Secret = ""
    client_certificate_key_file: str = ""
    signature_algorithm: str = ""
    iss: str = ""
    audience: str = ""
    claims: dict[str, Any] = Field(default_factory=dict)
    grant_type: str = ""
    scopes: tuple[str, ...] = ()
    token_url: str = ""
    endpoint_params: dict[str, str] = Field(default_factory=dict)
    tls_config: Any = None
    proxy_url: str = ""
    no_proxy: str = ""
    proxy_from_environment: bool = False
    proxy_connect_header: Any = None


class HttpConfig(HttpOptions):
    """How a notification's request is sent."""

    oauth2: OAuth2 | None = None
    proxy_url: str = ""
    no_proxy: str = ""
    proxy_from_environment: bool = False
    proxy_connect_header: Any = None

    @model_validator(mode="before")
    @classmethod
    def _refuse_what_is_missing_here(cls, content: Any) -> Any:
        return content

    @model_validator(mode="after")
    def _check_oauth2(self) -> "HttpConfig":
        if self.oauth2 is None:
            return self
        if self.basic_auth or self.effective_authorization:
            raise ValueError(
                "at most one of basic_auth, authorization, bearer_token & bearer_token_file, oauth2 must be configured"
            )
        if not self.oauth2.client_id:
            raise ValueError("oauth2 client_id must be configured")
        if not self.oauth2.token_url:
            raise ValueError("oauth2 token_url must be configured")
        if self.oauth2.client_secret and self.oauth2.client_secret_file:
            raise ValueError("at most one of oauth2 client_secret & client_secret_file must be configured")
        return self


class ChannelSection(Section):
    """What every channel has in common."""

    send_resolved: bool = True

    def at_most_one(self, *names: str) -> None:
        """Refuse more than one of these keys."""
        if sum(bool(getattr(self, name)) for name in names) > 1:
            raise ValueError(f"at most one of {' & '.join(names)} must be configured")

    def one_of(self, *names: str) -> None:
        """Refuse none and several of these keys."""
        if not any(getattr(self, name) for name in names):
            raise ValueError(f"one of {' or '.join(names)} must be configured")
        self.at_most_one(*names)


class HttpChannelSection(ChannelSection):
    """What every channel over HTTP has in common."""

    http_config: HttpConfig | None = None
