"""What every channel does: compose a message, send it, and tell what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import orjson

from gnomon.alerting.config_values import HIDDEN, HttpConfig
from gnomon.alerting.message_templates import MessageTemplates
from gnomon.alerting.message_values import Message
from gnomon.alerting.outgoing_http import OutgoingHttp, OutgoingRequest
from gnomon.model.errors import InvalidInputError

_ANSWER_CHARACTERS = 500


class Reason(StrEnum):
    """Why a message was not delivered."""

    NONE = ""
    CLIENT_ERROR = "client_error"
    SERVER_ERROR = "server_error"
    RATE_LIMITED = "rate_limited"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    REFUSED_ADDRESS = "refused_address"
    TEMPLATE = "template"
    SECRET = "secret"  # noqa: S105 - a reason
    NOT_SUPPORTED = "not_supported"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt; `answer` is what the other side said, shortened, or why there was no attempt."""

    delivered: bool
    reason: Reason = Reason.NONE
    answer: str = ""
    status: int | None = None
    recoverable: bool = True


@dataclass(frozen=True, slots=True)
class Composed:
    """A message as it leaves, for a look at it: secrets hidden."""

    target: str
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)
    html: str = ""


@dataclass(frozen=True, slots=True)
class Tools:
    """What channels work with."""

    templates: MessageTemplates
    http: OutgoingHttp


class Channel(Protocol):
    """Send messages to one place. `send` never raises: whatever goes wrong is an outcome."""

    @property
    def kind(self) -> str:
        """Return the kind of channel, such as `slack`."""

    @property
    def sends_resolved(self) -> bool:
        """Tell whether the end of alerts is told, too."""

    async def compose(self, message: Message) -> list[Composed]:
        """Return what `send` would send; raises InvalidInputError for templates that cannot be filled in."""

    async def send(self, message: Message) -> Outcome:
        """Send a message."""


class SecretFileError(InvalidInputError):
    """Tell that a file with a secret cannot be read."""


def read_secret(value: str, path: str) -> str:
    """Return a secret, from its file if it stands there; files are read each time, as they are renewed."""
    if not path:
        return value
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SecretFileError(f"Cannot read the secret in {path!r}: {error}.") from error


class HttpChannel:
    """A channel that sends JSON over HTTP."""

    kind = ""

    def __init__(self, options: HttpConfig, tools: Tools, *, sends_resolved: bool, timeout_ms: float = 0) -> None:
        """Send with these options; `timeout_ms` of 0 is the client's own."""
        self._options = options
        self._tools = tools
        self._timeout_s = timeout_ms / 1000 or None
        self._sends_resolved = sends_resolved

    @property
    def sends_resolved(self) -> bool:
        """Tell whether the end of alerts is told, too."""
        return self._sends_resolved

    async def requests(self, message: Message) -> list[OutgoingRequest]:
        """Return the requests that tell a message; raises InvalidInputError."""
        raise NotImplementedError

    def judge(self, status: int, body: str) -> Outcome:
        """Return what an answer means."""
        return judge_status(status, body)

    async def compose(self, message: Message) -> list[Composed]:
        """Return what `send` would send."""
        return [
            Composed(request.shown_url or request.url, _indent(request.shown_body or request.body))
            for request in await self.requests(message)
        ]

    async def send(self, message: Message) -> Outcome:
        """Send a message; of several requests, the first that fails ends it."""
        try:
            requests = await self.requests(message)
        except SecretFileError as error:
            return Outcome(delivered=False, reason=Reason.SECRET, answer=str(error))
        except InvalidInputError as error:
            return Outcome(delivered=False, reason=Reason.TEMPLATE, answer=str(error), recoverable=False)
        outcome = Outcome(delivered=True)
        for request in requests:
            outcome = await self._send_one(request)
            if not outcome.delivered:
                break
        return outcome

    async def _send_one(self, request: OutgoingRequest) -> Outcome:
        answer = await self._tools.http.send(request, self._options, self._timeout_s)
        if answer.error:
            return Outcome(
                delivered=False,
                reason=Reason(answer.reason),
                answer=answer.error,
                recoverable=answer.reason != Reason.REFUSED_ADDRESS,
            )
        return self.judge(answer.status, answer.body)


def judge_status(status: int, body: str) -> Outcome:
    """Return what a status means: 2xx is delivered, 429 and 5xx may be tried again."""
    answer = body[:_ANSWER_CHARACTERS]
    if 200 <= status < 300:  # noqa: PLR2004
        return Outcome(delivered=True, answer=answer, status=status)
    if status == 429:  # noqa: PLR2004
        return Outcome(delivered=False, reason=Reason.RATE_LIMITED, answer=answer, status=status)
    if status >= 500:  # noqa: PLR2004
        return Outcome(delivered=False, reason=Reason.SERVER_ERROR, answer=answer, status=status)
    return Outcome(delivered=False, reason=Reason.CLIENT_ERROR, answer=answer, status=status, recoverable=False)


def to_body(content: Any) -> str:
    """Return JSON."""
    return orjson.dumps(content).decode()


def shorten(text: str, length: int) -> str:
    """Return at most so many characters."""
    return text if len(text) <= length else text[: length - 1] + "…"


def without_empty(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return only what says something."""
    return {name: value for name, value in content.items() if value not in ("", None, [], {}, False)}


def hide(secret: str) -> str:
    """Return what stands for a secret."""
    return HIDDEN if secret else ""


def _indent(body: str) -> str:
    try:
        return orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return body
