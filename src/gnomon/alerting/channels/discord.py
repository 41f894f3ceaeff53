"""Discord: webhooks."""

from pydantic import model_validator

from gnomon.alerting.channels.channel import HttpChannel, Tools, read_secret, shorten, to_body, without_empty
from gnomon.alerting.config_values import HIDDEN, HttpChannelSection, HttpConfig, SecretUrl
from gnomon.alerting.message_values import Message
from gnomon.alerting.outgoing_http import OutgoingRequest

_MOST_TITLE, _MOST_TEXT, _MOST_CONTENT = 256, 4096, 2000
_RED, _GREEN = 0x992D22, 0x2ECC71


class DiscordConfig(HttpChannelSection):
    """Where to send, and what the message says."""

    webhook_url: SecretUrl = ""
    webhook_url_file: str = ""
    content: str = ""
    title: str = '{{ template "discord.default.title" . }}'
    message: str = '{{ template "discord.default.message" . }}'
    username: str = ""
    avatar_url: str = ""

    @model_validator(mode="after")
    def _check(self) -> "DiscordConfig":
        self.one_of("webhook_url", "webhook_url_file")
        return self


class Discord(HttpChannel):
    """Send to Discord."""

    kind = "discord"

    def __init__(self, config: DiscordConfig, options: HttpConfig, tools: Tools) -> None:
        """Send as the configuration says."""
        super().__init__(options, tools, sends_resolved=config.send_resolved)
        self._config = config

    async def requests(self, message: Message) -> list[OutgoingRequest]:
        """Return the one request."""
        config, templates = self._config, self._tools.templates
        embed = {
            "title": shorten(await templates.text(config.title, message), _MOST_TITLE),
            "description": shorten(await templates.text(config.message, message), _MOST_TEXT),
            "color": _RED if message.is_firing else _GREEN,
        }
        content = {
            "content": shorten(await templates.text(config.content, message), _MOST_CONTENT),
            "embeds": [embed],
            "username": config.username,
            "avatar_url": config.avatar_url,
        }
        url = read_secret(config.webhook_url, config.webhook_url_file)
        return [OutgoingRequest(url, to_body(without_empty(content)), shown_url=HIDDEN)]
