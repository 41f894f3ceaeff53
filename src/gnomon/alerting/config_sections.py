"""The sections of Alertmanager's configuration file, checked one by one."""

from typing import Annotated, Any

from pydantic import Field, model_validator

from gnomon.alerting.channels.apprise import AppriseConfig
from gnomon.alerting.channels.discord import DiscordConfig
from gnomon.alerting.channels.email import EmailConfig
from gnomon.alerting.channels.msteams import MsteamsConfig, MsteamsV2Config
from gnomon.alerting.channels.opsgenie import OpsgenieConfig
from gnomon.alerting.channels.pagerduty import PagerdutyConfig
from gnomon.alerting.channels.slack import SlackConfig
from gnomon.alerting.channels.telegram import TelegramConfig
from gnomon.alerting.channels.unsupported import (
    IncidentioConfig,
    JiraConfig,
    MattermostConfig,
    PushoverConfig,
    RocketchatConfig,
    SnsConfig,
    VictoropsConfig,
    WebexConfig,
    WechatConfig,
)
from gnomon.alerting.channels.webhook import WebhookConfig
from gnomon.alerting.config_values import (
    EqualLabels,
    HostPort,
    HttpConfig,
    LabelName,
    MatcherList,
    PatternLabels,
    Secret,
    SecretUrl,
    Url,
)
from gnomon.alerting.time_intervals import NamedTimeInterval
from gnomon.ingest.scraping.file_sections import DurationMs, Section
from gnomon.ingest.scraping.http_options import TlsConfig

_WILDCARD = "..."
_ONCE = (
    ("slack_app_token", "slack_app_token_file"),
    ("slack_api_url", "slack_api_url_file"),
    ("opsgenie_api_key", "opsgenie_api_key_file"),
    ("victorops_api_key", "victorops_api_key_file"),
    ("telegram_bot_token", "telegram_bot_token_file"),
    ("smtp_auth_password", "smtp_auth_password_file"),
    ("smtp_auth_secret", "smtp_auth_secret_file"),
    ("rocketchat_token", "rocketchat_token_file"),
    ("rocketchat_token_id", "rocketchat_token_id_file"),
    ("wechat_api_secret", "wechat_api_secret_file"),
)


class GlobalSection(Section):
    """What holds for all receivers that do not say it themselves."""

    resolve_timeout: DurationMs = 300_000
    http_config: HttpConfig = HttpConfig()
    jira_api_url: Url | None = None
    smtp_from: str = ""
    smtp_hello: str = "localhost"
    smtp_smarthost: HostPort = None
    smtp_auth_username: str = ""
    smtp_auth_password: Secret = ""
    smtp_auth_password_file: str = ""
    smtp_auth_secret: Secret = ""
    smtp_auth_secret_file: str = ""
    smtp_auth_identity: str = ""
    smtp_require_tls: bool = True
    smtp_tls_config: TlsConfig = TlsConfig()
    smtp_force_implicit_tls: bool | None = None
    slack_api_url: SecretUrl = ""
    slack_api_url_file: str = ""
    slack_app_token: Secret = ""
    slack_app_token_file: str = ""
    slack_app_url: Url = "https://slack.com/api/chat.postMessage"
    pagerduty_url: Url = "https://events.pagerduty.com/v2/enqueue"
    opsgenie_api_url: Url = "https://api.opsgenie.com/"
    opsgenie_api_key: Secret = ""
    opsgenie_api_key_file: str = ""
    wechat_api_url: Url = "https://qyapi.weixin.qq.com/cgi-bin/"
    wechat_api_secret: Secret = ""
    wechat_api_secret_file: str = ""
    wechat_api_corp_id: str = ""
    victorops_api_url: Url = "https://alert.victorops.com/integrations/generic/20131114/alert/"
    victorops_api_key: Secret = ""
    victorops_api_key_file: str = ""
    telegram_api_url: Url = "https://api.telegram.org"
    telegram_bot_token: Secret = ""
    telegram_bot_token_file: str = ""
    webex_api_url: Url = "https://webexapis.com/v1/messages"
    rocketchat_api_url: Url = "https://open.rocket.chat/"
    rocketchat_token: Secret = ""
    rocketchat_token_file: str = ""
    rocketchat_token_id: Secret = ""
    rocketchat_token_id_file: str = ""

    @model_validator(mode="after")
    def _check(self) -> "GlobalSection":
        for value, file in _ONCE:
            if getattr(self, value) and getattr(self, file):
                raise ValueError(f"at most one of {value} & {file} must be configured")
        token, url = self.slack_app_token or self.slack_app_token_file, self.slack_api_url or self.slack_api_url_file
        if token and url and self.slack_api_url != self.slack_app_url:
            raise ValueError(
                "at most one of slack_app_token/slack_app_token_file & slack_api_url/slack_api_url_file "
                "must be configured"
            )
        return self


class RouteSection(Section):
    """A node of the routing tree."""

    receiver: str = ""
    group_by: tuple[str, ...] | None = None
    match: EqualLabels = Field(default_factory=dict)
    match_re: PatternLabels = Field(default_factory=dict)
    matchers: MatcherList = ()
    mute_time_intervals: tuple[str, ...] = ()
    active_time_intervals: tuple[str, ...] = ()
    continue_: bool = Field(default=False, alias="continue")
    routes: "tuple[RouteSection, ...]" = ()
    group_wait: DurationMs | None = None
    group_interval: DurationMs | None = None
    repeat_interval: DurationMs | None = None

    @model_validator(mode="after")
    def _check(self) -> "RouteSection":
        labels = self.group_labels
        if "" in labels:
            raise ValueError('invalid label name "" in group_by list')
        if labels and self.groups_by_all:
            raise ValueError("cannot have wildcard group_by (`...`) and other labels at the same time")
        if len(set(labels)) < len(labels):
            raise ValueError(f"duplicated label in group_by: {', '.join(labels)}")
        if self.group_interval == 0:
            raise ValueError("group_interval cannot be zero")
        if self.repeat_interval == 0:
            raise ValueError("repeat_interval cannot be zero")
        return self

    @property
    def groups_by_all(self) -> bool:
        """Tell whether groups are made by all labels."""
        return _WILDCARD in (self.group_by or ())

    @property
    def group_labels(self) -> tuple[str, ...]:
        """Return the labels that groups are made by, without the wildcard."""
        return tuple(name for name in self.group_by or () if name != _WILDCARD)


class InhibitSection(Section):
    """Which alerts silence which others."""

    name: str = ""
    source_match: EqualLabels = Field(default_factory=dict)
    source_match_re: PatternLabels = Field(default_factory=dict)
    source_matchers: MatcherList = ()
    target_match: EqualLabels = Field(default_factory=dict)
    target_match_re: PatternLabels = Field(default_factory=dict)
    target_matchers: MatcherList = ()
    equal: tuple[LabelName, ...] = ()


class ReceiverSection(Section):
    """A receiver with its channels; `apprise_configs` is Gnomon's own."""

    name: str = ""
    discord_configs: tuple[DiscordConfig, ...] = ()
    email_configs: tuple[EmailConfig, ...] = ()
    incidentio_configs: tuple[IncidentioConfig, ...] = ()
    pagerduty_configs: tuple[PagerdutyConfig, ...] = ()
    slack_configs: tuple[SlackConfig, ...] = ()
    webhook_configs: tuple[WebhookConfig, ...] = ()
    opsgenie_configs: tuple[OpsgenieConfig, ...] = ()
    wechat_configs: tuple[WechatConfig, ...] = ()
    pushover_configs: tuple[PushoverConfig, ...] = ()
    victorops_configs: tuple[VictoropsConfig, ...] = ()
    sns_configs: tuple[SnsConfig, ...] = ()
    telegram_configs: tuple[TelegramConfig, ...] = ()
    webex_configs: tuple[WebexConfig, ...] = ()
    msteams_configs: tuple[MsteamsConfig, ...] = ()
    msteamsv2_configs: tuple[MsteamsV2Config, ...] = ()
    jira_configs: tuple[JiraConfig, ...] = ()
    rocketchat_configs: tuple[RocketchatConfig, ...] = ()
    mattermost_configs: tuple[MattermostConfig, ...] = ()
    apprise_configs: tuple[AppriseConfig, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> "ReceiverSection":
        if not self.name:
            raise ValueError("missing name in receiver")
        return self


class TracingSection(Section):
    """Where Alertmanager would send traces of itself."""

    client_type: Annotated[str, Field(pattern="^(http|grpc)$")] = "grpc"
    endpoint: Annotated[str, Field(min_length=1)]
    sampling_fraction: float = 0
    insecure: bool = False
    tls_config: TlsConfig | None = None
    headers: dict[str, Any] = Field(default_factory=dict)
    compression: Annotated[str, Field(pattern="^(gzip)?$")] = ""
    timeout: DurationMs = 0


class ConfigFile(Section):
    """The whole file."""

    global_: GlobalSection = Field(default_factory=GlobalSection, alias="global")
    route: RouteSection | None = None
    inhibit_rules: tuple[InhibitSection, ...] = ()
    receivers: tuple[ReceiverSection, ...] = ()
    templates: tuple[str, ...] = ()
    mute_time_intervals: tuple[NamedTimeInterval, ...] = ()
    time_intervals: tuple[NamedTimeInterval, ...] = ()
    tracing: TracingSection | None = None
