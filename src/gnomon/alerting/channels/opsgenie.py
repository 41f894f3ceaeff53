"""Opsgenie: Alert API v2."""

from pydantic import Field, model_validator

from gnomon.alerting.channels.channel import HttpChannel, Tools, read_secret, shorten, to_body, without_empty
from gnomon.alerting.channels.pagerduty import group_hash
from gnomon.alerting.config_values import HttpChannelSection, HttpConfig, Secret, Url
from gnomon.alerting.message_templates import check_message_template
from gnomon.alerting.message_values import Message
from gnomon.alerting.outgoing_http import OutgoingRequest
from gnomon.ingest.scraping.file_sections import Section

_MOST_MESSAGE = 130
_TYPES = frozenset({"team", "teams", "user", "escalation", "schedule"})


class OpsgenieResponder(Section):
    """Who is to respond."""

    id: str = ""
    name: str = ""
    username: str = ""
    type: str = ""

    @model_validator(mode="after")
    def _check(self) -> "OpsgenieResponder":
        if not (self.id or self.name or self.username):
            raise ValueError("a responder has to have at least one of id, username or name specified")
        if "{{" in self.type:
            if fault := check_message_template(self.type):
                raise ValueError(f"responder type contains invalid template syntax: {fault}")
        elif self.type.lower() not in _TYPES:
            raise ValueError("responder type does not match valid options ^(team|teams|user|escalation|schedule)$")
        return self


class OpsgenieConfig(HttpChannelSection):
    """Where to send, and what the alert tells."""

    api_key: Secret = ""
    api_key_file: str = ""
    api_url: Url | None = None
    message: str = '{{ template "opsgenie.default.message" . }}'
    description: str = '{{ template "opsgenie.default.description" . }}'
    source: str = '{{ template "opsgenie.default.source" . }}'
    details: dict[str, str] = Field(default_factory=dict)
    entity: str = ""
    responders: tuple[OpsgenieResponder, ...] = ()
    actions: str = ""
    tags: str = ""
    note: str = ""
    priority: str = ""
    update_alerts: bool = False

    @model_validator(mode="after")
    def _check(self) -> "OpsgenieConfig":
        self.at_most_one("api_key", "api_key_file")
        return self


class Opsgenie(HttpChannel):
    """Send to Opsgenie; the alias is the group's, so that a group is one alert."""

    kind = "opsgenie"

    def __init__(self, config: OpsgenieConfig, options: HttpConfig, tools: Tools) -> None:
        """Send as the configuration says."""
        super().__init__(options, tools, sends_resolved=config.send_resolved)
        self._config = config

    async def requests(self, message: Message) -> list[OutgoingRequest]:
        """Return one request, or more where changes are told, too."""
        config, templates = self._config, self._tools.templates
        key = await templates.text(read_secret(config.api_key, config.api_key_file), message)
        base = f"{(config.api_url or '').rstrip('/')}/v2/alerts"
        alias = group_hash(message)
        headers = {"Authorization": f"GenieKey {key}"}
        source = await templates.text(config.source, message)
        if not message.is_firing:
            return [
                OutgoingRequest(
                    f"{base}/{alias}/close?identifierType=alias", to_body({"source": source}), headers=headers
                )
            ]
        title = shorten(await templates.text(config.message, message), _MOST_MESSAGE)
        description = await templates.text(config.description, message)
        common = message.alerts[0].labels.to_dict() if message.alerts else {}
        for alert in message.alerts[1:]:
            common = {name: value for name, value in common.items() if alert.labels.get(name) == value}
        content = {
            "alias": alias,
            "message": title,
            "description": description,
            "details": {**common, **await templates.texts(config.details, message)},
            "source": source,
            "responders": await self._responders(message),
            "tags": _split(await templates.text(config.tags, message)),
            "note": await templates.text(config.note, message),
            "priority": await templates.text(config.priority, message),
            "entity": await templates.text(config.entity, message),
            "actions": _split(await templates.text(config.actions, message)),
        }
        requests = [OutgoingRequest(base, to_body(without_empty(content)), headers=headers)]
        if config.update_alerts:
            for part, text in (("message", title), ("description", description)):
                url = f"{base}/{alias}/{part}?identifierType=alias"
                requests.append(OutgoingRequest(url, to_body({part: text}), method="PUT", headers=headers))
        return requests

    async def _responders(self, message: Message) -> list[dict[str, str]]:
        found: list[dict[str, str]] = []
        for responder in self._config.responders:
            filled = without_empty(await self._tools.templates.texts(responder.model_dump(), message))
            kind = str(filled.get("type", "")).lower()
            if kind == "teams":
                found += ({"type": "team", "name": name} for name in _split(str(filled.get("name", ""))))
            elif len(filled) > 1:
                found.append({**filled, "type": kind})
        return found


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
