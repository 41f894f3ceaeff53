"""The SDK masks what the server masks."""

import base64

import pytest

from gnomon.sdk.logs import Redactor
from gnomon.sdk.logs.redaction import KEY, NAMED, TOKENS
from gnomon.storage import redaction as server

LETTERS = "aB3dE5gH1jK2mN4pQ6rS7tU8vW9xY0zAbCdEfGhIjKlMnOpQrStUvWxYz0123456789" * 3
# Put together here, so that nothing in this file looks like a secret to those who scan for them.
SECRETS = [
    "AKIA" + "ABCDEFGHIJKLMNOP",
    "ghp_" + LETTERS[:36],
    "github_" + "pat_" + LETTERS[:40],
    "glpat-" + LETTERS[:20],
    "xoxb-" + "123456789012-abcdefgh",
    "sk-" + "ant-api03-" + LETTERS[:40],
    "sk-" + LETTERS[:48],
    "sk_" + "live_" + LETTERS[:24],
    "eyJ" + LETTERS[:20] + ".eyJ" + LETTERS[:30] + "." + LETTERS[:20],
    "123456789:AA" + LETTERS[:33],
    "gnomon_" + "0123456789ab_" + LETTERS[:43],
]
NAMED_SECRETS = [
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
]


def test_both_lists_have_the_same_shapes() -> None:
    assert [shape for _signs, shape in TOKENS] == [shape for _signs, shape in server._TOKENS]
    assert [shape for _signs, shape in NAMED] == [shape for _signs, shape in server._NAMED]
    assert KEY == server._KEY


@pytest.mark.parametrize("secret", SECRETS)
def test_tokens_are_masked_at_their_length(secret: str) -> None:
    assert Redactor().mask_text(f"before {secret} after") == f"before {'*' * len(secret)} after"


@pytest.mark.parametrize(("text", "secret"), NAMED_SECRETS)
def test_secrets_are_found_by_what_stands_before_them(text: str, secret: str) -> None:
    masked = Redactor().mask_text(text)

    assert (secret in masked, len(masked)) == (False, len(text))


@pytest.mark.parametrize("text", HARMLESS)
def test_all_else_stays(text: str) -> None:
    assert Redactor().mask_text(text) == text
    assert Redactor().mask_fields({"text": text, "n": 3, "none": None}) == {"text": text, "n": 3, "none": None}


def test_a_text_known_as_a_value_is_looked_at_again_as_a_name() -> None:
    redactor = Redactor()
    assert redactor.suspects_line("seen", {"kind": "access_token", "n": 7}) is False
    assert redactor.suspects_line("seen", {"kind": "access_token", "n": 7}) is False
    assert redactor.suspects_line("seen", {"access_token": "hunter"}) is True
    assert redactor.suspects_line("seen", {"kind": "x"}) is False
    assert redactor.suspects_line("password=hunter2", {"kind": "x"}) is True
    assert redactor.suspects_line("seen", {"kind": ["x"]}) is None
