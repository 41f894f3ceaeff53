"""PagerDuty: Events API v2 (trigger, acknowledge, resolve), and the older one for service keys."""

import hashlib
from typing import Any

from pydantic import Field, model_validator

from gnomon.alerting.channels.channel import HttpChannel, Outcome, Tools, read_secret, shorten, to_body, without_empty
from gnomon.alerting.config_values import HIDDEN, GoDurationMs, HttpChannelSection, HttpConfig, Secret, Url
from gnomon.alerting.message_values import Message
from gnomon.alerting.outgoing_http import OutgoingRequest
from gnomon.ingest.scraping.file_sections import Section

_MOST_SUMMARY = 1024
_OLD_URL = "https://events.pagerduty.com/generic/2010-04-15/create_event.json"
_DETAILS = {
    "firing": "{{ .Alerts.Firing | toJson }}",
    "resolved": "{{ .Alerts.Resolved | toJson }}",
    "num_firing": "{{ .Alerts.Firing | len }}",
    "num_resolved": "{{ .Alerts.Resolved | len }}",
}


class PagerdutyImage(Section):
    """An image beside the incident."""

    src: str = ""
    alt: str = ""
    href: str = ""


class PagerdutyLink(Section):
    """A link beside the incident."""

    href: str = ""
    text: str = ""


class PagerdutyConfig(HttpChannelSection):
    """Where to send, and what the incident tells."""

    service_key: Secret = ""
    service_key_file: str = ""
    routing_key: Secret = ""
    routing_key_file: str = ""
    url: Url | None = None
    client: str = '{{ template "pagerduty.default.client" . }}'
    client_url: str = '{{ template "pagerduty.default.clientURL" . }}'
    description: str = '{{ template "pagerduty.default.description" . }}'
    details: dict[str, Any] = Field(default_factory=dict)
    images: tuple[PagerdutyImage, ...] = ()
    links: tuple[PagerdutyLink, ...] = ()
    source: str = ""
    severity: str = ""
    class_: str = Field(default="", alias="class")
    component: str = ""
    group: str = ""
    timeout: GoDurationMs = 0

    @model_validator(mode="after")
    def _check(self) -> "PagerdutyConfig":
        if not (self.routing_key or self.service_key or self.routing_key_file or self.service_key_file):
            raise ValueError("missing service or routing key in PagerDuty config")
        self.at_most_one("routing_key", "routing_key_file")
        self.at_most_one("service_key", "service_key_file")
        return self


class Pagerduty(HttpChannel):
    """Send to PagerDuty; the deduplication key is the group's, so that a group is one incident."""

    kind = "pagerduty"

    def __init__(self, config: PagerdutyConfig, options: HttpConfig, tools: Tools) -> None:
        """Send as the configuration says."""
        super().__init__(options, tools, sends_resolved=config.send_resolved, timeout_ms=config.timeout)
        self._config = config

    async def requests(self, message: Message) -> list[OutgoingRequest]:
        """Return the one request."""
        event = "trigger" if message.is_firing else "resolve"
        if self._config.service_key or self._config.service_key_file:
            return [await self._old_request(message, event)]
        return [await self._request(message, event)]

    async def acknowledge(self, message: Message) -> Outcome:
        """Tell that somebody looks after the group."""
        return await self._send_one(await self._request(message, "acknowledge"))

    async def _request(self, message: Message, event: str) -> OutgoingRequest:
        config, templates = self._config, self._tools.templates
        client = await templates.text(config.client, message)
        payload = {
            "summary": shorten(await templates.text(config.description, message), _MOST_SUMMARY),
            "source": await templates.text(config.source, message) or client,
            "severity": await templates.text(config.severity, message) or "error",
            "class": await templates.text(config.class_, message),
            "component": await templates.text(config.component, message),
            "group": await templates.text(config.group, message),
            "custom_details": await templates.values({**_DETAILS, **config.details}, message),
        }
        content = {
            "event_action": event,
            "dedup_key": group_hash(message),
            "client": client,
            "client_url": await templates.text(config.client_url, message),
            "payload": without_empty(payload) if event == "trigger" else None,
            "images": [await templates.texts(image.model_dump(), message) for image in config.images],
            "links": [await templates.texts(link.model_dump(), message) for link in config.links],
        }
        key = await templates.text(read_secret(config.routing_key, config.routing_key_file), message)
        return _with_key(config.url or "", without_empty(content), "routing_key", key)

    async def _old_request(self, message: Message, event: str) -> OutgoingRequest:
        config, templates = self._config, self._tools.templates
        details = await templates.values({**_DETAILS, **config.details}, message)
        content = {
            "event_type": event,
            "incident_key": group_hash(message),
            "description": shorten(await templates.text(config.description, message), _MOST_SUMMARY),
            "details": details,
            "client": await templates.text(config.client, message) if event == "trigger" else "",
            "client_url": await templates.text(config.client_url, message) if event == "trigger" else "",
        }
        key = await templates.text(read_secret(config.service_key, config.service_key_file), message)
        return _with_key(_OLD_URL, without_empty(content), "service_key", key)


def group_hash(message: Message) -> str:
    """Return a short name of the message's group, the same as long as its route and labels are."""
    return hashlib.sha256(message.group_key.encode()).hexdigest()


def _with_key(url: str, content: dict[str, Any], name: str, key: str) -> OutgoingRequest:
    return OutgoingRequest(url, to_body({name: key, **content}), shown_body=to_body({name: HIDDEN, **content}))
