"""Apprise: the long tail of services, by their Apprise URLs. An extra: pip install 'gnomon[apprise]'."""

import asyncio
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from pydantic import Field, model_validator

from gnomon.alerting.channels.channel import Composed, Outcome, Reason, SecretFileError, Tools, read_secret
from gnomon.alerting.config_values import HIDDEN, ChannelSection
from gnomon.alerting.message_values import Message
from gnomon.model.errors import InvalidInputError


class AppriseConfig(ChannelSection):
    """Which services, and what to tell."""

    urls: tuple[str, ...] = Field(default=(), repr=False)
    urls_file: str = ""
    title: str = '{{ template "apprise.default.title" . }}'
    body: str = '{{ template "apprise.default.body" . }}'

    @model_validator(mode="after")
    def _check(self) -> "AppriseConfig":
        self.one_of("urls", "urls_file")
        if find_spec("apprise") is None:
            raise ValueError("apprise is not installed: pip install 'gnomon[apprise]'")
        return self


class Apprise:
    """Send through Apprise, in a thread: its plugins block. It reaches services by clients of its own."""

    kind = "apprise"

    def __init__(self, config: AppriseConfig, tools: Tools) -> None:
        """Send as the configuration says."""
        self._config = config
        self._tools = tools

    @property
    def sends_resolved(self) -> bool:
        """Tell whether the end of alerts is told, too."""
        return self._config.send_resolved

    async def compose(self, message: Message) -> list[Composed]:
        """Return title and body."""
        title, body = await self._texts(message)
        return [Composed(HIDDEN, f"{title}\n\n{body}")]

    async def send(self, message: Message) -> Outcome:
        """Send to every service; one that fails makes the whole fail, since Apprise does not say which."""
        try:
            title, body = await self._texts(message)
            urls = (*self._config.urls, *read_secret("", self._config.urls_file).split())
        except SecretFileError as error:
            return Outcome(delivered=False, reason=Reason.SECRET, answer=str(error))
        except InvalidInputError as error:
            return Outcome(delivered=False, reason=Reason.TEMPLATE, answer=str(error), recoverable=False)
        sent = await asyncio.to_thread(_notify, urls, title, body, firing=message.is_firing)
        if sent is None:
            return Outcome(delivered=False, reason=Reason.OTHER, answer="no such service", recoverable=False)
        if not sent:
            return Outcome(delivered=False, reason=Reason.OTHER, answer="Apprise could not deliver to every service")
        return Outcome(delivered=True)

    async def _texts(self, message: Message) -> tuple[str, str]:
        templates = self._tools.templates
        return await templates.text(self._config.title, message), await templates.text(self._config.body, message)


def _notify(urls: tuple[str, ...], title: str, body: str, *, firing: bool) -> bool | None:
    module: Any = import_module("apprise")
    services = module.Apprise()
    # Each is added, whatever becomes of the one before.
    added = [services.add(url) for url in urls]
    if not all(added):
        return None
    kind = module.NotifyType.FAILURE if firing else module.NotifyType.SUCCESS
    return bool(services.notify(body=body, title=title, notify_type=kind))
