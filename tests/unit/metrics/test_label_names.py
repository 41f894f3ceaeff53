"""Label names in paths."""

import pytest

from gnomon.metrics.label_names import unescape_label_name


@pytest.mark.parametrize(
    ("escaped", "name"),
    [
        ("job", "job"),
        ("U__http_2e_status", "http.status"),
        ("U__a__b", "a_b"),
        ("U___263a_x", "☺x"),
        ("U__x_1F600_", "x\U0001f600"),
        ("U__broken_", "U__broken_"),
        ("U__too_ffffff_big", "U__too_ffffff_big"),
        ("http.status", "http.status"),
    ],
)
def test_escaped_names_are_read(escaped: str, name: str) -> None:
    """What is no valid escape is a name as it stands."""
    assert unescape_label_name(escaped) == name
