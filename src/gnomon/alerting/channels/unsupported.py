"""Channels of Alertmanager's that Gnomon reads but does not send to: checked as Alertmanager does, failing aloud."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from gnomon.alerting.channels.channel import Composed, Outcome, Reason
from gnomon.alerting.config_values import ChannelSection, GoDurationMs, HttpChannelSection, Secret, SecretUrl, Url
from gnomon.alerting.message_values import Message
from gnomon.ingest.scraping.file_sections import DurationMs, Section

Count = Annotated[int, Field(ge=0)]


class IncidentioConfig(HttpChannelSection):
    """incident.io."""

    url: Url = ""
    url_file: str = ""
    alert_source_token: Secret = ""
    alert_source_token_file: str = ""
    max_alerts: Count = 0
    timeout: GoDurationMs = 0

    @model_validator(mode="after")
    def _check(self) -> "IncidentioConfig":
        self.one_of("url", "url_file")
        self.at_most_one("alert_source_token", "alert_source_token_file")
        has_token = bool(self.alert_source_token or self.alert_source_token_file)
        if self.http_config is not None and bool(self.http_config.effective_authorization) == has_token:
            raise ValueError("one of alert_source_token, its file or http_config.authorization must be configured")
        return self


class WechatConfig(HttpChannelSection):
    """WeChat."""

    send_resolved: bool = False
    api_secret: Secret = ""
    api_secret_file: str = ""
    corp_id: str = ""
    message: str = ""
    api_url: Url | None = None
    to_user: str = ""
    to_party: str = ""
    to_tag: str = ""
    agent_id: str = ""
    message_type: Literal["", "text", "markdown"] = "text"

    @model_validator(mode="after")
    def _check(self) -> "WechatConfig":
        self.at_most_one("api_secret", "api_secret_file")
        return self


class VictoropsConfig(HttpChannelSection):
    """VictorOps."""

    api_key: Secret = ""
    api_key_file: str = ""
    api_url: Url | None = None
    routing_key: str = ""
    message_type: str = ""
    state_message: str = ""
    entity_display_name: str = ""
    monitoring_tool: str = ""
    custom_fields: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check(self) -> "VictoropsConfig":
        if not self.routing_key:
            raise ValueError("missing Routing key in VictorOps config")
        self.at_most_one("api_key", "api_key_file")
        reserved = {"routing_key", "message_type", "state_message", "entity_display_name", "monitoring_tool"}
        if taken := sorted((reserved | {"entity_id", "entity_state"}).intersection(self.custom_fields)):
            raise ValueError(f"custom field {taken[0]} conflicts with the fixed fields")
        return self


class PushoverConfig(HttpChannelSection):
    """Pushover."""

    user_key: Secret = ""
    user_key_file: str = ""
    token: Secret = ""
    token_file: str = ""
    title: str = ""
    message: str = ""
    url: str = ""
    url_title: str = ""
    device: str = ""
    sound: str = ""
    priority: str = ""
    retry: GoDurationMs = 60_000
    expire: GoDurationMs = 3_600_000
    ttl: GoDurationMs = 0
    html: bool = False
    monospace: bool = False

    @model_validator(mode="after")
    def _check(self) -> "PushoverConfig":
        self.one_of("user_key", "user_key_file")
        self.one_of("token", "token_file")
        self.at_most_one("html", "monospace")
        return self


class SnsConfig(HttpChannelSection):
    """Amazon SNS."""

    api_url: str = ""
    sigv4: Any = None
    topic_arn: str = ""
    phone_number: str = ""
    target_arn: str = ""
    subject: str = ""
    message: str = ""
    attributes: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check(self) -> "SnsConfig":
        if (not self.target_arn) ^ (not self.topic_arn) ^ (not self.phone_number):
            raise ValueError("must provide either a Target ARN, Topic ARN, or Phone Number for SNS config")
        return self


class WebexConfig(HttpChannelSection):
    """Webex."""

    api_url: Url | None = None
    message: str = ""
    room_id: str = ""

    @model_validator(mode="after")
    def _check(self) -> "WebexConfig":
        if not self.room_id:
            raise ValueError("missing room_id on webex_config")
        if self.http_config is None or self.http_config.effective_authorization is None:
            raise ValueError("missing webex_configs.http_config.authorization")
        return self


class JiraConfig(HttpChannelSection):
    """Jira."""

    api_url: Url | None = None
    api_type: Literal["auto", "cloud", "datacenter"] = "auto"
    project: Annotated[str, Field(min_length=1)]
    summary: Any = None
    description: Any = None
    labels: tuple[str, ...] = ()
    priority: str = ""
    issue_type: Annotated[str, Field(min_length=1)]
    reopen_transition: str = ""
    resolve_transition: str = ""
    wont_fix_resolution: str = ""
    reopen_duration: DurationMs = 0
    fields: dict[str, Any] = Field(default_factory=dict)


class RocketchatConfig(HttpChannelSection):
    """Rocket.Chat."""

    send_resolved: bool = False
    api_url: Url | None = None
    token_id: Secret = ""
    token_id_file: str = ""
    token: Secret = ""
    token_file: str = ""
    channel: str = ""
    color: str = ""
    title: str = ""
    title_link: str = ""
    text: str = ""
    fields: tuple[dict[str, Any], ...] = ()
    short_fields: bool = False
    emoji: str = ""
    icon_url: str = ""
    image_url: str = ""
    thumb_url: str = ""
    link_names: bool = False
    actions: tuple[dict[str, Any], ...] = ()

    @model_validator(mode="after")
    def _check(self) -> "RocketchatConfig":
        self.at_most_one("token", "token_file")
        self.at_most_one("token_id", "token_id_file")
        return self


class MattermostField(Section):
    """A field of an attachment."""

    title: Annotated[str, Field(min_length=1)]
    value: Annotated[str, Field(min_length=1)]
    short: bool | None = None


class MattermostAttachment(Section):
    """An attachment."""

    fallback: str = ""
    color: str = ""
    pretext: str = ""
    text: str = ""
    author_name: str = ""
    author_link: str = ""
    author_icon: str = ""
    title: str = ""
    title_link: str = ""
    fields: tuple[MattermostField, ...] = ()
    thumb_url: str = ""
    footer: str = ""
    footer_icon: str = ""
    image_url: str = ""


class MattermostConfig(HttpChannelSection):
    """Mattermost."""

    webhook_url: SecretUrl = ""
    webhook_url_file: str = ""
    channel: str = ""
    username: str = ""
    text: str = ""
    icon_url: str = ""
    icon_emoji: str = ""
    attachments: tuple[MattermostAttachment, ...] = ()
    type: str = ""
    props: Any = None
    priority: Any = None

    @model_validator(mode="after")
    def _check(self) -> "MattermostConfig":
        self.one_of("webhook_url", "webhook_url_file")
        return self


class Unsupported:
    """Refuse to send, with the reason."""

    def __init__(self, kind: str, config: ChannelSection) -> None:
        """Stand in for a channel of this kind."""
        self.kind = kind
        self._config = config

    @property
    def sends_resolved(self) -> bool:
        """Tell whether the end of alerts would be told, too."""
        return self._config.send_resolved

    async def compose(self, _message: Message) -> list[Composed]:
        """Return nothing: nothing would be sent."""
        return []

    async def send(self, _message: Message) -> Outcome:
        """Tell that nothing is sent."""
        answer = f"Gnomon does not send to {self.kind}. Use apprise_configs, or a webhook."
        return Outcome(delivered=False, reason=Reason.NOT_SUPPORTED, answer=answer, recoverable=False)
