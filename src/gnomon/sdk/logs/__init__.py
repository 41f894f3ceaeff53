"""Log lines of structlog and the standard library: one form, ids from the context, secrets masked, rotated, sent."""

from gnomon.sdk.logs.configuration import configure
from gnomon.sdk.logs.levels import get_level, set_level
from gnomon.sdk.logs.redaction import Redactor
from gnomon.sdk.logs.rotation import RotatingFile
from gnomon.sdk.logs.settings import LogSettings, RotationSettings, load_settings

__all__ = [
    "LogSettings",
    "Redactor",
    "RotatingFile",
    "RotationSettings",
    "configure",
    "get_level",
    "load_settings",
    "set_level",
]
