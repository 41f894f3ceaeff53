"""Every kind of channel by its key in a receiver, and how global values complete its configuration."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from gnomon.alerting.channels.apprise import Apprise
from gnomon.alerting.channels.channel import Channel, Tools
from gnomon.alerting.channels.discord import Discord
from gnomon.alerting.channels.email import Email
from gnomon.alerting.channels.msteams import Msteams, MsteamsV2
from gnomon.alerting.channels.opsgenie import Opsgenie
from gnomon.alerting.channels.pagerduty import Pagerduty
from gnomon.alerting.channels.slack import Slack
from gnomon.alerting.channels.telegram import Telegram
from gnomon.alerting.channels.unsupported import Unsupported
from gnomon.alerting.channels.webhook import Webhook
from gnomon.alerting.config_sections import GlobalSection
from gnomon.alerting.config_values import HttpConfig

Make = Callable[[Any, HttpConfig, Tools], Channel]

_MAKERS: Mapping[str, Make] = MappingProxyType(
    {
        "apprise": lambda config, _options, tools: Apprise(config, tools),
        "discord": Discord,
        "email": lambda config, _options, tools: Email(config, tools),
        "msteams": Msteams,
        "msteamsv2": MsteamsV2,
        "opsgenie": Opsgenie,
        "pagerduty": Pagerduty,
        "slack": Slack,
        "telegram": Telegram,
        "webhook": Webhook,
    }
)


def is_supported(kind: str) -> bool:
    """Tell whether Gnomon sends to this kind of channel."""
    return kind in _MAKERS


def make_channel(kind: str, config: Any, options: HttpConfig, tools: Tools) -> Channel:
    """Return a channel of a configuration that `complete` has completed."""
    maker = _MAKERS.get(kind)
    return Unsupported(kind, config) if maker is None else maker(config, options, tools)


def complete(kind: str, config: Any, given: GlobalSection) -> Any:
    """Return a channel's configuration with global values where it has none; raises ValueError where both lack one."""
    completer = _COMPLETERS.get(kind)
    if completer is None:
        return config
    update = completer(config, given)
    return config.model_copy(update={name: value for name, value in update.items() if value is not None})


def _email(config: Any, given: GlobalSection) -> dict[str, Any]:
    smarthost, sender = config.smarthost or given.smtp_smarthost, config.from_ or given.smtp_from
    if smarthost is None:
        raise ValueError("no global SMTP smarthost set")
    if not sender:
        raise ValueError("no global SMTP from set")
    own_password = config.auth_password or config.auth_password_file
    return {
        "smarthost": smarthost,
        "from_": sender,
        "hello": config.hello or given.smtp_hello,
        "auth_username": config.auth_username or given.smtp_auth_username,
        "auth_password": config.auth_password if own_password else given.smtp_auth_password,
        "auth_password_file": config.auth_password_file if own_password else given.smtp_auth_password_file,
        "auth_secret": config.auth_secret or given.smtp_auth_secret,
        "auth_secret_file": config.auth_secret_file or given.smtp_auth_secret_file,
        "auth_identity": config.auth_identity or given.smtp_auth_identity,
        "require_tls": given.smtp_require_tls if config.require_tls is None else config.require_tls,
        "tls_config": config.tls_config or given.smtp_tls_config,
        "force_implicit_tls": given.smtp_force_implicit_tls
        if config.force_implicit_tls is None
        else config.force_implicit_tls,
    }


def _slack(config: Any, given: GlobalSection) -> dict[str, Any]:
    authorized = config.http_config is not None and config.http_config.authorization is not None
    token, token_file = config.app_token, config.app_token_file
    if not (token or token_file or authorized or config.api_url):
        token, token_file = given.slack_app_token, given.slack_app_token_file
    url, url_file = config.api_url, config.api_url_file
    if not (url or url_file):
        url, url_file = given.slack_api_url, given.slack_api_url_file
    if not (url or url_file or token or token_file):
        raise ValueError("no Slack API URL nor App token set either inline or in a file")
    if (token or token_file) and authorized:
        raise ValueError("http authorization can't be set when using Slack App tokens")
    return {
        "app_url": config.app_url or given.slack_app_url,
        "app_token": token,
        "app_token_file": token_file,
        "api_url": url,
        "api_url_file": url_file,
    }


def _opsgenie(config: Any, given: GlobalSection) -> dict[str, Any]:
    key, file = config.api_key or given.opsgenie_api_key, config.api_key_file or given.opsgenie_api_key_file
    if not (key or file):
        raise ValueError("no global OpsGenie API Key set either inline or in a file")
    if config.api_key:
        file = ""
    return {"api_url": config.api_url or given.opsgenie_api_url, "api_key": key, "api_key_file": file}


def _telegram(config: Any, given: GlobalSection) -> dict[str, Any]:
    token, file = config.bot_token, config.bot_token_file
    if not (token or file):
        token, file = given.telegram_bot_token, given.telegram_bot_token_file
    if not (token or file):
        raise ValueError("missing bot_token or bot_token_file on telegram_config")
    return {"api_url": config.api_url or given.telegram_api_url, "bot_token": token, "bot_token_file": file}


def _wechat(config: Any, given: GlobalSection) -> dict[str, Any]:
    if not (config.api_secret or config.api_secret_file or given.wechat_api_secret or given.wechat_api_secret_file):
        raise ValueError("no global Wechat Api Secret set either inline or in a file")
    if not (config.corp_id or given.wechat_api_corp_id):
        raise ValueError("no global Wechat CorpID set")
    return {}


def _victorops(config: Any, given: GlobalSection) -> dict[str, Any]:
    if not (config.api_key or config.api_key_file or given.victorops_api_key or given.victorops_api_key_file):
        raise ValueError("no global VictorOps API Key set")
    return {}


def _jira(config: Any, given: GlobalSection) -> dict[str, Any]:
    if config.api_url is None and given.jira_api_url is None:
        raise ValueError("no global Jira Cloud URL set")
    return {}


def _rocketchat(config: Any, given: GlobalSection) -> dict[str, Any]:
    for name, words in (("token_id", "TokenID"), ("token", "Token")):
        places = [getattr(config, part) for part in (name, f"{name}_file")]
        places += [getattr(given, f"rocketchat_{part}") for part in (name, f"{name}_file")]
        if not any(places):
            raise ValueError(f"no global Rocketchat {words} set either inline or in a file")
    return {}


_COMPLETERS: Mapping[str, Callable[[Any, GlobalSection], dict[str, Any]]] = MappingProxyType(
    {
        "email": _email,
        "jira": _jira,
        "opsgenie": _opsgenie,
        "pagerduty": lambda config, given: {"url": config.url or given.pagerduty_url},
        "rocketchat": _rocketchat,
        "slack": _slack,
        "telegram": _telegram,
        "victorops": _victorops,
        "wechat": _wechat,
    }
)
