"""Headers as JSON, and messages."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from gnomon.sdk.messaging.messages import Message, dump_headers, load_headers, to_text_or_bytes


def test_headers_of_every_kind_come_back_from_json_as_they_were() -> None:
    headers = (
        ("text", "ä"),
        ("raw", b"\xff\x00"),
        ("text", "again"),
        ("none", None),
        ("flag", True),
        ("count", 3),
        ("share", 0.5),
        ("price", Decimal("1.20")),
        ("at", datetime(2026, 11, 21, tzinfo=UTC)),
        ("table", {"base64": "not bytes", "inner": [b"\xfe", {"x": 1}]}),
    )
    assert load_headers(dump_headers(headers)) == headers


def test_a_plain_object_of_headers_is_read_too() -> None:
    assert load_headers('{"a": "1", "b": {"base64": "/w=="}}') == (("a", "1"), ("b", b"\xff"))


@pytest.mark.parametrize("text", ["7", "[1]", '["a"]', "{"])
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"Headers are|Expecting|unpack"):
        load_headers(text)


def test_the_last_header_of_a_name_counts_and_new_ones_replace_all_of_it() -> None:
    message = Message(b"", headers=(("a", "1"), ("b", b"2"), ("a", "3")))
    assert (message.header("a"), message.header("b"), message.header("c")) == ("3", "2", None)
    assert message.with_headers([("a", "4")]).headers == (("b", b"2"), ("a", "4"))


def test_bytes_that_are_not_utf8_stay_bytes() -> None:
    assert [to_text_or_bytes(value) for value in (b"\xc3\xa4", b"\xff", None)] == ["ä", b"\xff", None]
