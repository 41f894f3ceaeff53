"""Texts and label sets in quotes, as Prometheus' messages show them."""

from gnomon.model.labels import Labels

_ESCAPES = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
    '"': '\\"',
}
_DELETE = 0x7F
_SURROGATES = range(0xDC80, 0xDD00)
_LAST_OF_BASIC_PLANE = 0xFFFF


def quote(text: str) -> str:
    """Return a text in double quotes, escaped as Go's `%q` does; bytes that are no UTF-8 are shown in hexadecimal."""
    return f'"{"".join(map(_escape, text))}"'


def format_labels(labels: Labels) -> str:
    """Return `{name="value", other="value"}`."""
    return "{" + ", ".join(f"{name}={quote(value)}" for name, value in labels) + "}"


def _escape(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    code = ord(character)
    if code in _SURROGATES:
        return f"\\x{code - 0xDC00:02x}"
    if character.isprintable():
        return character
    if code < ord(" ") or code == _DELETE:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _LAST_OF_BASIC_PLANE else f"\\U{code:08x}"
