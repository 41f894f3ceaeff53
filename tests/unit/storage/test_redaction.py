"""Secrets are masked in the engine, at their own length, and everything else stays as it is."""

import base64
import os
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue

from gnomon.model.any_values import decode_attribute
from gnomon.model.errors import InvalidInputError
from gnomon.storage.migrations import migrate
from gnomon.storage.redaction import render_redaction
from gnomon.storage.settings import RedactionSettings, RetentionSettings
from tests.opened_storage import OpenedStorage
from tests.otlp_requests import make_log_request, make_trace_request

LETTERS = "aB3dE5gH1jK2mN4pQ6rS7tU8vW9xY0zAbCdEfGhIjKlMnOpQrStUvWxYz0123456789" * 3
# Put together here, so that nothing in this file looks like a secret to those who scan for them.
SECRETS = [
    "AKIA" + "ABCDEFGHIJKLMNOP",
    "ghp_" + LETTERS[:36],
    "github_" + "pat_" + LETTERS[:40],
    "glpat-" + LETTERS[:20],
    "xoxb-" + "123456789012-abcdefgh",
    "sk-" + "ant-api03-" + LETTERS[:40],
    "sk-" + "proj-" + LETTERS[:40],
    "sk-" + LETTERS[:48],
    "AIza" + LETTERS[:35],
    "sk_" + "live_" + LETTERS[:24],
    "eyJ" + LETTERS[:20] + ".eyJ" + LETTERS[:30] + "." + LETTERS[:20],
    "npm_" + LETTERS[:36],
    "SG." + LETTERS[:22] + "." + LETTERS[:43],
    "hf_" + LETTERS[:34],
    "gsk_" + LETTERS[:52],
    "dop_v1_" + "0123456789abcdef" * 4,
    "hvs." + LETTERS[:24],
    "123456789:AA" + LETTERS[:33],
    "gnomon_" + "0123456789ab_" + LETTERS[:43],
]
IN_CONTEXT = [
    ("password=hunter22 done", "hunter22"),
    ('{"api_key": "abcd-1234-efgh"}', "abcd-1234-efgh"),
    ("API-KEY: zyxw9876", "zyxw9876"),
    ("access_token=abcdefgh12345678&x=1", "abcdefgh12345678"),
    ("Authorization: Bearer abcdef.ghijkl-123", "abcdef.ghijkl-123"),
    ("authorization: Basic " + base64.b64encode(b"user:pass").decode(), base64.b64encode(b"user:pass").decode()),
    ("connecting to postgres://app:s3cr3t@db:5432/x", "s3cr3t"),
    ("-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----", "MIIEow"),
]
HARMLESS = [
    "task-7 on disk-0 asked for input_tokens and total_tokens",
    "see https://example.test/a@b and mail a@example.test",
    "the password is wrong",
    "token bucket is empty",
    "sk-short",
    "eyJust a word, SG.1, hf_x, ASIA and AKIA",
    "grüße 日本語 \x00\x7f",
]


async def _bodies(opened: OpenedStorage, texts: list[str]) -> dict[str, tuple[str, int]]:
    """Store texts as bodies of log records; return what is stored and counted of each, by the text."""
    await opened.journal.append("otlp_logs", make_log_request(texts), os.urandom(16))
    await opened.journal.flush()
    rows = (await opened.engine.query("SELECT body, redacted FROM logs ORDER BY ts")).rows()
    return {text: (row["body"], row["redacted"]) for text, row in zip(texts, rows, strict=True)}


async def test_log_bodies_are_masked(opened_storage: OpenedStorage) -> None:
    texts = [f"before {secret} after" for secret in SECRETS]
    stored = await _bodies(opened_storage, texts + [text for text, _ in IN_CONTEXT] + HARMLESS)
    for secret in SECRETS:
        assert stored[f"before {secret} after"] == (f"before {'*' * len(secret)} after", 1)
    for text, secret in IN_CONTEXT:
        body, counted = stored[text]
        assert (secret in body, len(body), counted) == (False, len(text), 1), text
    for text in HARMLESS:
        assert stored[text] == (text, 0)


async def test_attributes_events_and_nested_values_are_masked(opened_storage: OpenedStorage) -> None:
    """Masks are as long as the secret, so nested values can still be read; a name can mark its value as one."""
    secret = SECRETS[1]
    request = ExportTraceServiceRequest.FromString(make_trace_request(2))
    span = request.resource_spans[0].scope_spans[0].spans[0]
    items = [AnyValue(string_value=f"key {secret}!"), AnyValue(int_value=7)]
    nested = AnyValue(array_value=ArrayValue(values=items))
    headers = AnyValue(array_value=ArrayValue(values=[AnyValue(string_value="Token abc")]))
    span.attributes.extend(
        [
            KeyValue(key="plain", value=AnyValue(string_value="kept")),
            KeyValue(key="list", value=nested),
            KeyValue(key="db.password", value=AnyValue(string_value="abc")),
            KeyValue(key="http.request.header.authorization", value=headers),
            KeyValue(key="gen_ai.usage.input_tokens", value=AnyValue(int_value=12)),
        ]
    )
    event = span.events.add(name="exception")
    event.attributes.add(key="exception.message", value=AnyValue(string_value=f"refused: {secret}"))
    link = span.links.add(trace_id=bytes(15) + b"1", span_id=bytes(7) + b"1")
    link.attributes.add(key="from", value=AnyValue(string_value=f"queue {secret}"))
    span.status.message = f"refused: {secret}"
    resource = request.resource_spans[0].resource
    resource.attributes.add(key="command", value=AnyValue(string_value="run --password=hunter22"))
    await opened_storage.journal.append("otlp_traces", request.SerializeToString(), os.urandom(16))
    await opened_storage.journal.flush()
    statement = (
        "SELECT mapKeys(attributes) AS names, shown_values(attributes, attribute_types) AS shown, "
        "attribute_types, status_message, events.attributes AS events, links.attributes AS links, redacted "
        "FROM spans WHERE notEmpty(events.name)"
    )
    row = (await opened_storage.engine.query(statement)).rows()[0]
    values = map(decode_attribute, row["shown"], row["attribute_types"])
    assert dict(zip(row["names"], values, strict=True)) == {
        "plain": "kept",
        "list": [f"key {'*' * len(secret)}!", 7],
        "db.password": "***",
        "http.request.header.authorization": [],
        "gen_ai.usage.input_tokens": 12,
    }
    masked = f"refused: {'*' * len(secret)}"
    assert (row["events"][0]["exception.message"], row["status_message"], row["redacted"]) == (masked, masked, 6)
    assert row["links"] == [{"from": f"queue {'*' * len(secret)}"}]
    assert (await opened_storage.engine.query("SELECT sum(redacted) FROM spans")).value() == 6
    origin = await opened_storage.engine.query("SELECT resource['command'] FROM origins")
    assert origin.value() == "run --password=********"


async def test_settings_change_what_is_masked(opened_storage: OpenedStorage, tmp_path: Path) -> None:
    settings = RedactionSettings(patterns=(r"\bX-\d{4}\b", "it's"))
    await migrate(opened_storage.engine, RetentionSettings(), settings)
    assert await _bodies(opened_storage, ["order X-1234, it's here"]) == {
        "order X-1234, it's here": ("order ******, **** here", 1)
    }
    await opened_storage.engine.command("TRUNCATE TABLE logs")
    await migrate(opened_storage.engine, RetentionSettings(), RedactionSettings(enabled=False))
    text = f"order X-1234 {SECRETS[0]}"
    assert await _bodies(opened_storage, [text]) == {text: (text, 0)}


async def test_bytes_that_are_no_text_are_no_obstacle(opened_storage: OpenedStorage) -> None:
    request = ExportLogsServiceRequest.FromString(make_log_request(["x"]))
    record = request.resource_logs[0].scope_logs[0].log_records[0]
    record.body.bytes_value = bytes(range(256)) + SECRETS[1].encode() + b"\xff\xfe"
    await opened_storage.journal.append("otlp_logs", request.SerializeToString(), os.urandom(16))
    await opened_storage.journal.flush()
    body = (await opened_storage.engine.query("SELECT hex(body) FROM logs")).value()
    assert bytes.fromhex(body) == bytes(range(256)) + b"*" * len(SECRETS[1]) + b"\xff\xfe"


def test_a_pattern_with_a_group_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="has a group"):
        render_redaction(RedactionSettings(patterns=("a(b)",)))
