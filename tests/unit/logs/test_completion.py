"""What is offered while a query is typed."""

from gnomon.logs.completion import suggest_fields, suggest_values
from gnomon.model.log_records import FieldInfo, FieldKind, ValueCount

FIELDS = [
    FieldInfo("service", FieldKind.BUILT_IN, "Name of the service."),
    FieldInfo("peer.service", FieldKind.ATTRIBUTE, "", 900),
    FieldInfo("server.port", FieldKind.ATTRIBUTE, "", 5),
    FieldInfo("server.address", FieldKind.ATTRIBUTE, "", 7),
    FieldInfo("my server", FieldKind.ATTRIBUTE, "", 1),
]


def test_fields_that_begin_with_the_prefix_come_first_then_the_frequent() -> None:
    texts = [text for text, _ in suggest_fields(FIELDS, "SER")]
    assert texts == ["service", "server.address", "server.port", "peer.service", '"my server"']


def test_values_are_written_as_a_query_needs_them() -> None:
    values = [ValueCount("a", 1200), ValueCount("two words", 1), ValueCount("", 1)]
    assert suggest_values(values) == [("a", "1,200 lines"), ('"two words"', "1 lines"), ('""', "1 lines")]
