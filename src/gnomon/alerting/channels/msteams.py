"""Microsoft Teams: workflows that take Adaptive Cards (`msteamsv2_configs`), and the older connectors' cards."""

from pydantic import model_validator

from gnomon.alerting.channels.channel import HttpChannel, Tools, read_secret, to_body
from gnomon.alerting.config_values import HIDDEN, HttpChannelSection, HttpConfig, SecretUrl
from gnomon.alerting.message_values import Message
from gnomon.alerting.outgoing_http import OutgoingRequest

_RED, _GREEN = "8C1A1A", "2DC72D"


class MsteamsConfig(HttpChannelSection):
    """Where to send, and what the card says."""

    webhook_url: SecretUrl = ""
    webhook_url_file: str = ""
    title: str = '{{ template "msteams.default.title" . }}'
    summary: str = '{{ template "msteams.default.summary" . }}'
    text: str = '{{ template "msteams.default.text" . }}'

    @model_validator(mode="after")
    def _check(self) -> "MsteamsConfig":
        self.one_of("webhook_url", "webhook_url_file")
        return self


class MsteamsV2Config(HttpChannelSection):
    """Where to send, and what the card says."""

    webhook_url: SecretUrl = ""
    webhook_url_file: str = ""
    title: str = '{{ template "msteamsv2.default.title" . }}'
    text: str = '{{ template "msteamsv2.default.text" . }}'

    @model_validator(mode="after")
    def _check(self) -> "MsteamsV2Config":
        self.one_of("webhook_url", "webhook_url_file")
        return self


class Msteams(HttpChannel):
    """Send a connector's card."""

    kind = "msteams"

    def __init__(self, config: MsteamsConfig, options: HttpConfig, tools: Tools) -> None:
        """Send as the configuration says."""
        super().__init__(options, tools, sends_resolved=config.send_resolved)
        self._config = config

    async def requests(self, message: Message) -> list[OutgoingRequest]:
        """Return the one request."""
        config, templates = self._config, self._tools.templates
        content = {
            "@context": "http://schema.org/extensions",
            "type": "MessageCard",
            "title": await templates.text(config.title, message),
            "summary": await templates.text(config.summary, message),
            "text": await templates.text(config.text, message),
            "themeColor": _RED if message.is_firing else _GREEN,
        }
        url = read_secret(config.webhook_url, config.webhook_url_file)
        return [OutgoingRequest(url, to_body(content), shown_url=HIDDEN)]


class MsteamsV2(HttpChannel):
    """Send an Adaptive Card."""

    kind = "msteamsv2"

    def __init__(self, config: MsteamsV2Config, options: HttpConfig, tools: Tools) -> None:
        """Send as the configuration says."""
        super().__init__(options, tools, sends_resolved=config.send_resolved)
        self._config = config

    async def requests(self, message: Message) -> list[OutgoingRequest]:
        """Return the one request."""
        config, templates = self._config, self._tools.templates
        title = {
            "type": "TextBlock",
            "text": await templates.text(config.title, message),
            "weight": "Bolder",
            "size": "Medium",
            "style": "heading",
            "wrap": True,
            "color": "Attention" if message.is_firing else "Good",
        }
        text = {"type": "TextBlock", "text": await templates.text(config.text, message), "wrap": True}
        card = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.2",
            "body": [title, text],
            "msteams": {"width": "full"},
        }
        attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
        url = read_secret(config.webhook_url, config.webhook_url_file)
        return [OutgoingRequest(url, to_body({"type": "message", "attachments": [attachment]}), shown_url=HIDDEN)]
