"""Alertmanager's configuration file, read and checked as amtool does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gnomon.alerting.channel_registry import complete, is_supported
from gnomon.alerting.config_sections import ConfigFile, InhibitSection, ReceiverSection, RouteSection
from gnomon.alerting.config_values import HIDDEN, HttpConfig, join_matchers
from gnomon.alerting.matcher_syntax import Matchers
from gnomon.alerting.message_templates import MessageTemplates, load_templates
from gnomon.alerting.routing import Route, route_names, sort_matchers
from gnomon.alerting.time_intervals import TimeInterval
from gnomon.ingest.scraping.http_options import place_http_files
from gnomon.model.errors import InvalidInputError
from gnomon.model.yaml_documents import YamlDocument, YamlError, parse_yaml

_DEFAULT_RESOLVE_MS = 300_000
_SUFFIX = "_configs"
_SECRET_KEYS = frozenset(
    {
        *("password", "credentials", "bearer_token", "key", "secrets", "client_secret", "client_certificate_key"),
        *("auth_password", "auth_secret", "smtp_auth_password", "smtp_auth_secret", "service_key", "routing_key"),
        *("api_key", "opsgenie_api_key", "victorops_api_key", "wechat_api_secret", "api_secret", "bot_token"),
        *("telegram_bot_token", "token", "token_id", "rocketchat_token", "rocketchat_token_id", "user_key"),
        *("app_token", "slack_app_token", "slack_api_url", "webhook_url", "alert_source_token", "secret_key"),
        *("access_key", "urls"),
    }
)
_SECRET_IN = {"webhook_configs": {"url"}, "slack_configs": {"api_url"}}
_SHOWN_IN = {"victorops_configs": {"routing_key"}}


class AlertmanagerConfigError(InvalidInputError):
    """Tell what is wrong with the file: where, which key, its value and what to do; one line a fault."""


@dataclass(frozen=True, slots=True)
class Integration:
    """One channel of a receiver; `index` counts those of the same kind, `config` is the kind's own section."""

    kind: str
    index: int
    config: Any = field(repr=False)
    options: HttpConfig = field(repr=False)

    @property
    def name(self) -> str:
        """Return kind and index, as Alertmanager names integrations."""
        return f"{self.kind}[{self.index}]"


@dataclass(frozen=True, slots=True)
class Receiver:
    """A named set of channels."""

    name: str
    integrations: tuple[Integration, ...] = ()


@dataclass(frozen=True, slots=True)
class InhibitRule:
    """Alerts that match `sources` silence those that match `targets` and have equal values of the labels `equal`."""

    name: str
    sources: Matchers
    targets: Matchers
    equal: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AlertmanagerConfig:
    """What Gnomon takes from the file; `original` is its text with secrets hidden."""

    route: Route
    receivers: Mapping[str, Receiver]
    inhibit_rules: tuple[InhibitRule, ...] = ()
    time_intervals: Mapping[str, Sequence[TimeInterval]] = field(default_factory=dict)
    templates: MessageTemplates = field(default_factory=MessageTemplates)
    resolve_timeout_ms: int = _DEFAULT_RESOLVE_MS
    original: str = ""
    path: Path | None = None
    warnings: tuple[str, ...] = ()


def no_routing() -> AlertmanagerConfig:
    """Return a configuration whose only receiver has no channels: alerts are shown, nobody is told."""
    text = "route:\n  receiver: nobody\nreceivers:\n  - name: nobody\n"
    return parse_alertmanager_config(text, Path("built-in"))


def load_alertmanager_config(path: Path) -> AlertmanagerConfig:
    """Return the content of a file; raises AlertmanagerConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise AlertmanagerConfigError(f"Cannot read {str(path)!r}: {error.strerror}. Check the path.") from error
    except UnicodeDecodeError as error:
        raise AlertmanagerConfigError(f"Cannot read {str(path)!r}: it is not UTF-8.") from error
    return parse_alertmanager_config(text, path)


def parse_alertmanager_config(text: str, path: Path) -> AlertmanagerConfig:
    """Return the content of a file's text; paths in it are relative to the file's. Raises AlertmanagerConfigError."""
    try:
        document = parse_yaml(text)
    except YamlError as error:
        raise AlertmanagerConfigError(f"{path}:{error.line}: {error}.") from error
    try:
        file = ConfigFile.model_validate({} if document.content is None else document.content)
    except ValidationError as error:
        faults = (_explain(fault, document, path) for fault in error.errors(include_url=False))
        raise AlertmanagerConfigError("\n".join(dict.fromkeys(faults))) from error
    return _Reader(file, document, path).config(text)


class _Reader:
    """Look at what sections say of each other."""

    def __init__(self, file: ConfigFile, document: YamlDocument, path: Path) -> None:
        self._file = file
        self._document = document
        self._path = path
        self._folder = path.absolute().parent
        self._warnings: list[str] = []

    def config(self, text: str) -> AlertmanagerConfig:
        """Return the configuration."""
        file = self._file
        receivers: dict[str, Receiver] = {}
        for number, section in enumerate(file.receivers):
            if section.name in receivers:
                raise self._fault(f'notification config name "{section.name}" is not unique', "receivers", number)
            receivers[section.name] = self._receiver(section, number)
        intervals: dict[str, Sequence[TimeInterval]] = {}
        for named in (*file.mute_time_intervals, *file.time_intervals):
            if named.name in intervals:
                raise self._fault(f'time interval "{named.name}" is not unique', "time_intervals")
            intervals[named.name] = named.time_intervals
        root = self._root(file.route)
        self._check_names(root, receivers, intervals, ("route",))
        try:
            templates = load_templates([str(self._folder / pattern) for pattern in file.templates])
        except InvalidInputError as error:
            raise self._fault(str(error), "templates") from error
        if file.tracing is not None:
            self._warnings.append(f"{self._path}: tracing is not used: see own_traces in gnomon.yml.")
        return AlertmanagerConfig(
            route=_make_route(root, None, 0),
            receivers=receivers,
            inhibit_rules=tuple(map(_make_inhibit_rule, file.inhibit_rules)),
            time_intervals=intervals,
            templates=templates,
            resolve_timeout_ms=file.global_.resolve_timeout,
            original=hide_secrets(text),
            path=self._path,
            warnings=tuple(self._warnings),
        )

    def _receiver(self, section: ReceiverSection, number: int) -> Receiver:
        integrations = []
        for key in type(section).model_fields:
            if not key.endswith(_SUFFIX):
                continue
            kind = key.removesuffix(_SUFFIX)
            for index, config in enumerate(getattr(section, key)):
                try:
                    completed = complete(kind, config, self._file.global_)
                except ValueError as error:
                    raise self._fault(str(error), "receivers", number, key, index) from error
                options = getattr(config, "http_config", None) or self._file.global_.http_config
                options = place_http_files(options, self._folder)
                integrations.append(Integration(kind, index, _place_files(completed, self._folder), options))
                if not is_supported(kind):
                    place = f"{self._path}:{self._document.line_of(('receivers', number, key, index))}"
                    self._warnings.append(
                        f"{place}: Gnomon does not send to {kind}: receiver {section.name!r} will not be told by it."
                    )
        return Receiver(section.name, tuple(integrations))

    def _root(self, route: RouteSection | None) -> RouteSection:
        if route is None:
            raise self._fault("no route provided in config")
        if not route.receiver:
            raise self._fault("root route must specify a default receiver", "route")
        if route.match or route.match_re or route.matchers:
            raise self._fault("root route must not have any matchers", "route")
        if route.mute_time_intervals:
            raise self._fault("root route must not have any mute time intervals", "route")
        if route.active_time_intervals:
            raise self._fault("root route must not have any active time intervals", "route")
        if route.continue_:
            raise self._fault("cannot have continue in root route", "route")
        return route

    def _check_names(
        self,
        route: RouteSection,
        receivers: Mapping[str, Receiver],
        intervals: Mapping[str, Sequence[TimeInterval]],
        place: tuple[str | int, ...],
    ) -> None:
        for number, child in enumerate(route.routes):
            self._check_names(child, receivers, intervals, (*place, "routes", number))
        if route.receiver and route.receiver not in receivers:
            raise self._fault(f'undefined receiver "{route.receiver}" used in route', *place)
        for name in (*route.active_time_intervals, *route.mute_time_intervals):
            if name not in intervals:
                raise self._fault(f'undefined time interval "{name}" used in route', *place)

    def _fault(self, what: str, *place: str | int) -> AlertmanagerConfigError:
        return AlertmanagerConfigError(f"{self._path}:{self._document.line_of(place)}: {what}.")


def _make_route(section: RouteSection, parent: Route | None, place: int) -> Route:
    matchers = sort_matchers(join_matchers(section.match, section.match_re, section.matchers))
    key, route_id = route_names(parent, matchers, place)
    base = parent or Route(key, route_id, matchers, "")

    def given(value: int | None, inherited: int) -> int:
        return inherited if value is None else value

    group_by, by_all = base.group_by, base.groups_by_all
    if section.groups_by_all:
        by_all = True
    elif section.group_by is not None:
        group_by, by_all = frozenset(section.group_labels), False
    route = Route(
        key=key,
        id=route_id,
        matchers=matchers,
        receiver=section.receiver or base.receiver,
        group_by=group_by,
        groups_by_all=by_all,
        group_wait_ms=given(section.group_wait, base.group_wait_ms),
        group_interval_ms=given(section.group_interval, base.group_interval_ms),
        repeat_interval_ms=given(section.repeat_interval, base.repeat_interval_ms),
        mute_time_intervals=section.mute_time_intervals,
        active_time_intervals=section.active_time_intervals,
        continues=section.continue_,
    )
    children = tuple(_make_route(child, route, number) for number, child in enumerate(section.routes))
    object.__setattr__(route, "routes", children)
    return route


def _make_inhibit_rule(section: InhibitSection) -> InhibitRule:
    return InhibitRule(
        section.name,
        join_matchers(section.source_match, section.source_match_re, section.source_matchers),
        join_matchers(section.target_match, section.target_match_re, section.target_matchers),
        section.equal,
    )


def _place_files(config: Any, folder: Path) -> Any:
    """Return a section whose paths of secrets are relative to the configuration file."""
    if not isinstance(config, BaseModel):
        return config
    names = [name for name in type(config).model_fields if name.endswith("_file") and getattr(config, name)]
    return config.model_copy(update={name: str(folder / getattr(config, name)) for name in names})


def hide_secrets(text: str) -> str:
    """Return YAML with `<secret>` in place of every secret; what else is written stays as it is."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if node is None:
        return ""
    _hide(node, "", secret=False)
    return yaml.serialize(node, Dumper=yaml.SafeDumper, allow_unicode=True)


def _hide(node: yaml.Node, section: str, *, secret: bool) -> None:
    match node:
        case yaml.MappingNode():
            for key, value in node.value:
                name = str(key.value)
                hidden = (name in _SECRET_KEYS or name in _SECRET_IN.get(section, ())) and name not in _SHOWN_IN.get(
                    section, ()
                )
                _hide(value, name if name.endswith(_SUFFIX) else section, secret=secret or hidden)
        case yaml.SequenceNode():
            for item in node.value:
                _hide(item, section, secret=secret)
        case yaml.ScalarNode() if secret and node.value:
            node.value, node.tag, node.style = HIDDEN, "tag:yaml.org,2002:str", None


def _explain(fault: ErrorDetails, document: YamlDocument, path: Path) -> str:
    location = fault["loc"]
    place = f"{path}:{document.line_of(location)}"
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).removeprefix(".")
    name, value = key.rpartition(".")[2], fault.get("input")
    if fault["type"] == "extra_forbidden":
        return f"{place}: there is no key {key!r}. Correct or remove it."
    if fault["type"] == "missing":
        return f"{place}: {key} is missing."
    reason = fault["msg"].removeprefix("Value error, ").rstrip(".")
    if isinstance(value, dict | list | tuple | BaseModel) or name in _SECRET_KEYS or name in {"url", "api_url"}:
        return f"{place}: {key or 'the file'} is wrong: {reason}."
    return f"{place}: {key} = {str(value)[:100]!r} is wrong: {reason}."
