"""Label names in paths and headers: Prometheus' `U__` form for what is no plain word."""

import re

_ESCAPED = re.compile(r"__|_([0-9A-Fa-f]{1,6})_")
_PREFIX = "U__"


def unescape_label_name(name: str) -> str:
    """Return the name that `U__http_2e_status` stands for (http.status); others are returned as they are.

    `__` is an underscore, `_2e_` the character of that hexadecimal code point. A name that is no valid escape, too, is
    taken as it is.
    """
    if not name.startswith(_PREFIX):
        return name
    rest = name.removeprefix(_PREFIX)
    if "_" in _ESCAPED.sub("", rest):
        return name
    try:
        return _ESCAPED.sub(lambda found: chr(int(found[1], 16)) if found[1] else "_", rest)
    except ValueError:
        return name
