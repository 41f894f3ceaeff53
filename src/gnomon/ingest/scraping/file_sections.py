"""What the sections of Prometheus' configuration file have in common: strict keys, and its kinds of values."""

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from gnomon.model.errors import InvalidInputError
from gnomon.model.prometheus_durations import parse_prometheus_duration_ms

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([KMGTPE])i?)?B?")
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}


class Section(BaseModel):
    """A mapping of the file; a key that is there without a value counts as left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _leave_out_nulls(cls, content: Any) -> Any:
        if isinstance(content, dict):
            return {key: value for key, value in content.items() if value is not None}
        return content


def _duration_ms(value: object) -> object:
    try:
        return parse_prometheus_duration_ms(value) if isinstance(value, str) else value
    except InvalidInputError as error:
        raise ValueError(str(error)) from error


def _size_bytes(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = _SIZE.fullmatch(value)
    if match is None:
        raise ValueError("not a size; write a number and a unit (B, KB, MB, GB), such as 10MB")
    return round(float(match[1]) * 1024 ** _POWERS[match[2] or ""])


DurationMs = Annotated[int, BeforeValidator(_duration_ms), Field(ge=0)]
SizeBytes = Annotated[int, BeforeValidator(_size_bytes), Field(ge=0)]
Count = Annotated[int, Field(ge=0)]
