"""Slack: incoming webhooks, or chat.postMessage with an app's token."""

from typing import Annotated

import orjson
from pydantic import Field, model_validator

from gnomon.alerting.channels.channel import (
    HttpChannel,
    Outcome,
    Reason,
    Tools,
    judge_status,
    read_secret,
    shorten,
    to_body,
    without_empty,
)
from gnomon.alerting.config_values import HIDDEN, GoDurationMs, HttpChannelSection, HttpConfig, Secret, SecretUrl, Url
from gnomon.alerting.message_values import Message
from gnomon.alerting.outgoing_http import OutgoingRequest
from gnomon.ingest.scraping.file_sections import Section

_MOST_TITLE = 1024
_COLOR = '{{ if eq .Status "firing" }}danger{{ else }}good{{ end }}'
_PASSING = frozenset({"ratelimited", "rate_limited", "service_unavailable", "internal_error", "fatal_error"})


def _default(name: str) -> str:
    return f'{{{{ template "slack.default.{name}" . }}}}'


class SlackConfirmation(Section):
    """A question before a button does what it says."""

    text: Annotated[str, Field(min_length=1)]
    title: str = ""
    ok_text: str = ""
    dismiss_text: str = ""


class SlackAction(Section):
    """A button."""

    type: Annotated[str, Field(min_length=1)]
    text: Annotated[str, Field(min_length=1)]
    url: str = ""
    style: str = ""
    name: str = ""
    value: str = ""
    confirm: SlackConfirmation | None = None

    @model_validator(mode="after")
    def _check(self) -> "SlackAction":
        if not self.url and not self.name:
            raise ValueError("missing name or url in Slack action configuration")
        return self


class SlackField(Section):
    """A field of the attachment."""

    title: Annotated[str, Field(min_length=1)]
    value: Annotated[str, Field(min_length=1)]
    short: bool | None = None


class SlackConfig(HttpChannelSection):
    """Where to send, and what it looks like."""

    send_resolved: bool = False
    api_url: SecretUrl = ""
    api_url_file: str = ""
    app_token: Secret = ""
    app_token_file: str = ""
    app_url: Url | None = None
    channel: str = ""
    username: str = _default("username")
    color: str = _COLOR
    title: str = _default("title")
    title_link: str = _default("titlelink")
    pretext: str = _default("pretext")
    text: str = _default("text")
    message_text: str = ""
    fields: tuple[SlackField, ...] = ()
    short_fields: bool = False
    footer: str = _default("footer")
    fallback: str = _default("fallback")
    callback_id: str = _default("callbackid")
    icon_emoji: str = _default("iconemoji")
    icon_url: str = _default("iconurl")
    image_url: str = ""
    thumb_url: str = ""
    link_names: bool = False
    mrkdwn_in: tuple[str, ...] = ()
    actions: tuple[SlackAction, ...] = ()
    timeout: GoDurationMs = 0

    @model_validator(mode="after")
    def _check(self) -> "SlackConfig":
        self.at_most_one("api_url", "api_url_file")
        self.at_most_one("app_token", "app_token_file")
        if (self.api_url or self.api_url_file) and (self.app_token or self.app_token_file):
            raise ValueError("at most one of api_url/api_url_file & app_token/app_token_file must be configured")
        return self


class Slack(HttpChannel):
    """Send to Slack."""

    kind = "slack"

    def __init__(self, config: SlackConfig, options: HttpConfig, tools: Tools) -> None:
        """Send as the configuration says."""
        super().__init__(options, tools, sends_resolved=config.send_resolved, timeout_ms=config.timeout)
        self._config = config

    async def requests(self, message: Message) -> list[OutgoingRequest]:
        """Return the one request."""
        config, templates = self._config, self._tools.templates
        token = read_secret(config.app_token, config.app_token_file)
        url = config.app_url or "" if token else read_secret(config.api_url, config.api_url_file)
        names = ("channel", "username", "icon_emoji", "icon_url")
        content = {name: await templates.text(getattr(config, name), message) for name in names}
        body = without_empty(
            {
                **content,
                "link_names": config.link_names,
                "text": await templates.text(config.message_text, message),
                "attachments": [await self._attachment(message)],
            }
        )
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return [OutgoingRequest(url, to_body(body), headers=headers, shown_url=url if token else HIDDEN)]

    async def _attachment(self, message: Message) -> dict[str, object]:
        config, templates = self._config, self._tools.templates
        names = (
            *("title_link", "pretext", "text", "fallback", "callback_id", "image_url", "thumb_url", "footer", "color"),
        )
        texts = {name: await templates.text(getattr(config, name), message) for name in names}
        fields = [
            {
                "title": await templates.text(field.title, message),
                "value": await templates.text(field.value, message),
                "short": config.short_fields if field.short is None else field.short,
            }
            for field in config.fields
        ]
        actions = [await templates.texts(action.model_dump(exclude_none=True), message) for action in config.actions]
        return without_empty(
            {
                **texts,
                "title": shorten(await templates.text(config.title, message), _MOST_TITLE),
                "fields": fields,
                "actions": [without_empty(action) for action in actions],
                "mrkdwn_in": list(config.mrkdwn_in) or ["fallback", "pretext", "text"],
            }
        )

    def judge(self, status: int, body: str) -> Outcome:
        """Return what an answer means: Slack's web API says 200 also when it refuses."""
        outcome = judge_status(status, body)
        if not outcome.delivered or not body.startswith("{"):
            return outcome
        try:
            answer = orjson.loads(body)
        except orjson.JSONDecodeError:
            return outcome
        if answer.get("ok", True):
            return outcome
        fault = str(answer.get("error", "unknown error"))
        return Outcome(
            delivered=False, reason=Reason.CLIENT_ERROR, answer=fault, status=status, recoverable=fault in _PASSING
        )
