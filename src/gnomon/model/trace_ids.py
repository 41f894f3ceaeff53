"""Ids of traces and spans in the spellings that people paste.

Canonical is lower-case hexadecimal: 32 digits for a trace, 16 for a span (W3C Trace Context). Understood besides:
upper case, dashes as in a UUID, `0x`, the W3C header `00-<trace>-<span>-01`, Jaeger's header
`<trace>:<span>:<parent>:<flags>`, and Jaeger's ids of 64 bits or with their leading zeros left out.
"""

import re

from gnomon.model.errors import InvalidInputError

TRACE_DIGITS = 32
SPAN_DIGITS = 16

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?")
_JAEGER = re.compile(r"([0-9a-f]{1,32})(?::|%3a)[0-9a-f]{1,16}(?::|%3a)[0-9a-f]{1,16}(?::|%3a)[0-9a-f]{1,2}")
_DIGITS = re.compile(r"[0-9a-f]+")


def parse_trace_id(text: str) -> str:
    """Return a trace's id in canonical form; raises InvalidInputError for anything that is none."""
    bare = _bare(text)
    if found := _TRACEPARENT.fullmatch(bare) or _JAEGER.fullmatch(bare):
        bare = found[1]
    bare = bare.replace("-", "")
    if not _DIGITS.fullmatch(bare) or len(bare) > TRACE_DIGITS or not int(bare, 16):
        message = f"Invalid trace id: {text!r}. Write 32 hexadecimal digits, not all zero."
        raise InvalidInputError(message)
    return bare.rjust(TRACE_DIGITS, "0")


def parse_span_id(text: str) -> str:
    """Return a span's id in canonical form; raises InvalidInputError for anything that is none."""
    bare = _bare(text)
    if not _DIGITS.fullmatch(bare) or len(bare) > SPAN_DIGITS:
        message = f"Invalid span id: {text!r}. Write 16 hexadecimal digits."
        raise InvalidInputError(message)
    return bare.rjust(SPAN_DIGITS, "0")


def _bare(text: str) -> str:
    return text.strip().lower().removeprefix("0x")
