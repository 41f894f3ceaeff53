"""Receivers with living channels."""

from collections.abc import Mapping
from dataclasses import dataclass

from gnomon.alerting.alertmanager_config import AlertmanagerConfig
from gnomon.alerting.channel_registry import make_channel
from gnomon.alerting.channels.channel import Channel, Tools
from gnomon.alerting.outgoing_http import OutgoingHttp


@dataclass(frozen=True, slots=True)
class Integration:
    """One channel of a receiver; `name` is its kind and place among those of the kind: `slack[0]`."""

    receiver: str
    name: str
    channel: Channel


Receivers = Mapping[str, tuple[Integration, ...]]


def make_receivers(config: AlertmanagerConfig, http: OutgoingHttp) -> Receivers:
    """Return every receiver's channels by its name."""
    tools = Tools(config.templates, http)
    return {
        receiver.name: tuple(
            Integration(receiver.name, each.name, make_channel(each.kind, each.config, each.options, tools))
            for each in receiver.integrations
        )
        for receiver in config.receivers.values()
    }
