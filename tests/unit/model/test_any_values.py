from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from gnomon.model.any_values import JsonValue, decode_attribute

SCALARS = (
    st.text(max_size=200)
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)


def to_any(value: JsonValue) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case str():
            return AnyValue(string_value=value)
        case list():
            return AnyValue(array_value=ArrayValue(values=map(to_any, value)))
        case dict():
            pairs = [KeyValue(key=key, value=to_any(inner)) for key, inner in value.items()]
            return AnyValue(kvlist_value=KeyValueList(values=pairs))
        case _:
            return AnyValue()


@given(st.lists(VALUES, max_size=4))
def test_arrays_come_back_as_they_were_sent(values: list[JsonValue]) -> None:
    raw = ArrayValue(values=map(to_any, values)).SerializeToString()
    assert decode_attribute(raw.hex().upper(), 5) == values


@given(st.dictionaries(st.text(max_size=9), VALUES, max_size=4))
def test_key_value_lists_come_back_as_they_were_sent(values: dict[str, JsonValue]) -> None:
    raw = to_any(values).kvlist_value.SerializeToString()
    assert decode_attribute(raw.hex(), 6) == values


def test_scalars_are_read_from_their_text() -> None:
    assert decode_attribute("plain", 1) == "plain"
    assert decode_attribute("true", 2) is True
    assert decode_attribute("false", 2) is False
    assert decode_attribute("-9223372036854775808", 3) == -(2**63)
    assert decode_attribute("0.25", 4) == 0.25
    assert decode_attribute("", 0) is None
    assert decode_attribute('{"a": [1]}', 8) == {"a": [1]}


def test_numbers_that_json_lacks_become_text() -> None:
    assert decode_attribute("nan", 4) == "NaN"
    assert decode_attribute("-inf", 4) == "-Infinity"
    raw = ArrayValue(values=[AnyValue(double_value=float("inf"))]).SerializeToString()
    assert decode_attribute(raw.hex(), 5) == ["Infinity"]


def test_bytes_are_shown_in_base64() -> None:
    assert decode_attribute("DEADBEEF", 7) == "3q2+7w=="


@given(st.binary(max_size=60), st.sampled_from([5, 6]))
def test_malformed_values_never_raise(raw: bytes, type_number: int) -> None:
    decode_attribute(raw.hex(), type_number)


def test_what_cannot_be_decoded_stays_text() -> None:
    assert decode_attribute("0AFF", 5) == "0AFF"
    assert decode_attribute("twelve", 3) == "twelve"


def test_values_nested_too_deep_stay_text() -> None:
    nested = b""
    for _ in range(200):
        length = len(nested)
        inner = b"\x2a" + _varint(length) + nested
        nested = b"\x0a" + _varint(len(inner)) + inner
    assert decode_attribute(nested.hex(), 5) == nested.hex()


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])
