"""What a piece of work used: CPU, memory, network and LLM tokens, each figure labelled by how exact it is."""

from gnomon.sdk.resources.figures import Precision, ResourceUsage, TokenKind
from gnomon.sdk.resources.meter import Meter, add_network, add_tokens, current_meter, measure
from gnomon.sdk.resources.settings import AccountingSettings, install

__all__ = [
    "AccountingSettings",
    "Meter",
    "Precision",
    "ResourceUsage",
    "TokenKind",
    "add_network",
    "add_tokens",
    "current_meter",
    "install",
    "measure",
]
