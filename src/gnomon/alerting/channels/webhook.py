"""Generic webhook: Alertmanager's JSON, to the letter."""

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from gnomon.alerting.channels.channel import HttpChannel, Tools, read_secret, to_body
from gnomon.alerting.config_values import HIDDEN, GoDurationMs, HttpChannelSection, HttpConfig, Url
from gnomon.alerting.message_templates import check_message_template
from gnomon.alerting.message_values import Message, message_record, to_plain
from gnomon.alerting.outgoing_http import OutgoingRequest
from gnomon.model.errors import InvalidInputError

_VERSION = "4"


class _PlainUrl(HttpChannelSection):
    url: Url


def _check(url: str) -> str:
    if "{{" in url:
        if fault := check_message_template(url):
            raise ValueError(f"invalid template syntax: {fault}")
    elif url:
        _PlainUrl(url=url)
    return url


TemplateUrl = Annotated[str, AfterValidator(_check), Field(repr=False)]


class WebhookConfig(HttpChannelSection):
    """Where to send; the URL may be a template."""

    url: TemplateUrl = ""
    url_file: str = ""
    max_alerts: Annotated[int, Field(ge=0)] = 0
    timeout: GoDurationMs = 0

    @model_validator(mode="after")
    def _check(self) -> "WebhookConfig":
        self.one_of("url", "url_file")
        return self


class Webhook(HttpChannel):
    """Send to a webhook."""

    kind = "webhook"

    def __init__(self, config: WebhookConfig, options: HttpConfig, tools: Tools) -> None:
        """Send as the configuration says."""
        super().__init__(options, tools, sends_resolved=config.send_resolved, timeout_ms=config.timeout)
        self._config = config

    async def requests(self, message: Message) -> list[OutgoingRequest]:
        """Return the one request."""
        config = self._config
        url = await self._tools.templates.text(read_secret(config.url, config.url_file), message)
        if not url:
            raise InvalidInputError("webhook URL is empty after templating")
        return [OutgoingRequest(url, to_body(webhook_content(message, config.max_alerts)), shown_url=HIDDEN)]


def webhook_content(message: Message, max_alerts: int = 0) -> dict[str, object]:
    """Return the message as Alertmanager's JSON; `max_alerts` of 0 is all."""
    left_out = max(0, len(message.alerts) - max_alerts) if max_alerts else 0
    if left_out:
        message = Message(
            message.receiver, message.group_key, message.group_labels, message.alerts[:max_alerts], message.now_ns,
            message.external_url,
        )  # fmt: skip
    return {
        **to_plain(message_record(message)),
        "version": _VERSION,
        "groupKey": message.group_key,
        "truncatedAlerts": left_out,
    }
