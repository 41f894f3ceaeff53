"""Telegram: messages of a bot."""

from typing import Literal

from pydantic import model_validator

from gnomon.alerting.channels.channel import HttpChannel, Tools, read_secret, shorten, to_body, without_empty
from gnomon.alerting.config_values import HIDDEN, HttpChannelSection, HttpConfig, Secret, Url
from gnomon.alerting.message_values import Message
from gnomon.alerting.outgoing_http import OutgoingRequest
from gnomon.model.errors import InvalidInputError

_MOST_TEXT = 4096


class TelegramConfig(HttpChannelSection):
    """Where to send, and what the message says."""

    api_url: Url | None = None
    bot_token: Secret = ""
    bot_token_file: str = ""
    chat_id: int = 0
    chat_id_file: str = ""
    message_thread_id: int = 0
    message: str = '{{ template "telegram.default.message" . }}'
    disable_notifications: bool = False
    parse_mode: Literal["", "Markdown", "MarkdownV2", "HTML"] = "HTML"

    @model_validator(mode="after")
    def _check(self) -> "TelegramConfig":
        self.at_most_one("bot_token", "bot_token_file")
        self.one_of("chat_id", "chat_id_file")
        return self


class Telegram(HttpChannel):
    """Send as a bot."""

    kind = "telegram"

    def __init__(self, config: TelegramConfig, options: HttpConfig, tools: Tools) -> None:
        """Send as the configuration says."""
        super().__init__(options, tools, sends_resolved=config.send_resolved)
        self._config = config

    async def requests(self, message: Message) -> list[OutgoingRequest]:
        """Return the one request."""
        config, templates = self._config, self._tools.templates
        fill = templates.html if config.parse_mode == "HTML" else templates.text
        content = {
            "chat_id": self._chat(),
            "text": shorten((await fill(config.message, message)).strip(), _MOST_TEXT),
            "parse_mode": config.parse_mode,
            "message_thread_id": config.message_thread_id or None,
            "disable_notification": config.disable_notifications,
            "disable_web_page_preview": True,
        }
        base, token = (config.api_url or "").rstrip("/"), read_secret(config.bot_token, config.bot_token_file)
        url = f"{base}/bot{token}/sendMessage"
        return [OutgoingRequest(url, to_body(without_empty(content)), shown_url=f"{base}/bot{HIDDEN}/sendMessage")]

    def _chat(self) -> int:
        if not self._config.chat_id_file:
            return self._config.chat_id
        text = read_secret("", self._config.chat_id_file)
        try:
            return int(text)
        except ValueError as error:
            raise InvalidInputError(f"{self._config.chat_id_file!r} holds {text!r}, which is no chat id.") from error
