"""Byte sizes as people write them: `50GB`, `512MiB`, `4096`."""

import re

from gnomon.model.errors import InvalidInputError

_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgtp]?)(i?)b?", re.IGNORECASE)


def parse_byte_size(text: str) -> int:
    """Return a size in bytes: kB, MB are powers of 1000, KiB, MiB of 1024; raises InvalidInputError for the rest."""
    match = _SIZE.fullmatch(text.strip())
    if match is None or (match[3] and not match[2]):
        message = (
            f"Invalid size: {text!r}. Write a number and a unit (B, kB, MB, GB, TB, KiB, MiB, GiB, TiB), such as 50GB."
        )
        raise InvalidInputError(message)
    factor = 1024 if match[3] else 1000
    power: int = factor ** _POWERS[match[2].lower()]
    return round(float(match[1]) * power)


def format_byte_size(size_bytes: float) -> str:
    """Return a size with three significant digits in its IEC unit: `1.5 GiB`."""
    for power, unit in ((4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB")):
        if abs(size_bytes) >= 1024**power:
            return f"{size_bytes / 1024**power:.3g} {unit}"
    return f"{size_bytes:.0f} B"
