"""The guarded client: where it goes, and where it does not."""

import asyncio
import socket
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from gnomon.alerting.config_values import HttpConfig
from gnomon.alerting.outgoing_http import OutgoingHttp, OutgoingRequest, OutgoingSettings, is_allowed
from tests.webhook_recorder import WebhookRecorder, recording

LOOPBACK = OutgoingSettings((ip_network("127.0.0.0/8"),), timeout_s=5)
OPTIONS = HttpConfig()


def answer(path: str, _body: str) -> tuple[int, str]:
    match path.partition("?")[0]:
        case "/away":
            return 302, "http://10.1.2.3/"
        case "/to-a-file":
            return 302, "file:///etc/passwd"
        case "/round":
            return 307, "/round"
        case "/once":
            return 307, "/here"
        case "/token":
            return 200, '{"access_token": "fresh"}'
        case _:
            return 200, "x" * 100_000 if path == "/long" else "done"


@pytest.fixture(scope="module")
def recorder() -> Iterator[WebhookRecorder]:
    with recording(answer) as running:
        yield running


async def send(url: str, settings: OutgoingSettings = LOOPBACK, options: HttpConfig = OPTIONS) -> Any:
    return await OutgoingHttp(settings).send(OutgoingRequest(url, "{}"), options)


async def test_private_addresses_are_refused_unless_allowed(recorder: WebhookRecorder) -> None:
    refused = await send(recorder.url, OutgoingSettings())
    assert refused.reason == "refused_address"
    assert "alerting.allowed_networks" in refused.error
    assert (await send(recorder.url)).status == 200


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "::1"),
        *("fe80::1", "fc00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "224.0.0.1", "255.255.255.255", "::"),
    ],
)
def test_what_is_not_public_is_not_allowed(address: str) -> None:
    assert not is_allowed(ip_address(address), ())


def test_public_addresses_are_allowed_and_networks_only_those_listed() -> None:
    assert is_allowed(ip_address("93.184.216.34"), ())
    assert is_allowed(ip_address("2606:2800:220:1::1"), ())
    assert is_allowed(ip_address("10.1.2.3"), (ip_network("10.1.0.0/16"),))
    assert not is_allowed(ip_address("10.2.2.3"), (ip_network("10.1.0.0/16"),))
    assert is_allowed(ip_address("::ffff:10.1.2.3"), (ip_network("10.1.0.0/16"),))


async def test_a_name_is_resolved_once_and_its_checked_address_connected_to(
    recorder: WebhookRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second answer of the name server, a private address, is never asked for."""
    asked: list[str] = []
    port = int(recorder.url.rpartition(":")[2])

    async def resolve(_loop: Any, host: str, asked_port: int, **_options: Any) -> list[Any]:
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "10.6.6.6"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, asked_port))]

    monkeypatch.setattr(type(asyncio.get_running_loop()), "getaddrinfo", resolve)
    found = await send(f"http://rebinding.example:{port}/here")
    assert (found.status, asked[0]) == (200, "rebinding.example")
    assert "rebinding.example" not in asked[1:]
    assert recorder.received[-1].headers["host"] == f"rebinding.example:{port}"


async def test_a_redirect_is_followed_where_it_may_lead(recorder: WebhookRecorder) -> None:
    assert (await send(f"{recorder.url}/once")).body == "done"
    assert recorder.received[-1].body == "{}"
    assert (await send(f"{recorder.url}/away")).reason == "refused_address"
    assert "file" in (await send(f"{recorder.url}/to-a-file")).error
    assert "redirects" in (await send(f"{recorder.url}/round")).error


async def test_a_redirect_is_an_answer_where_none_is_followed(recorder: WebhookRecorder) -> None:
    found = await send(f"{recorder.url}/once", options=HttpConfig(follow_redirects=False))
    assert found.status == 307


async def test_a_server_that_says_nothing_is_given_up() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        found = await send(url, OutgoingSettings(LOOPBACK.allowed_networks, timeout_s=0.2))
    assert found.reason == "timeout"


async def test_a_closed_port_is_unreachable_and_a_long_answer_is_cut(recorder: WebhookRecorder) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        assert (await send(f"http://127.0.0.1:{closed.getsockname()[1]}/")).reason == "unreachable"
    assert len((await send(f"{recorder.url}/long")).body) == 64 * 1024


async def test_a_token_is_fetched_where_one_is_wanted(recorder: WebhookRecorder, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n", encoding="utf-8")
    options = HttpConfig.model_validate(
        {"oauth2": {"client_id": "me", "client_secret_file": str(secret), "token_url": f"{recorder.url}/token"}}
    )
    assert (await send(f"{recorder.url}/here", options=options)).status == 200
    token, told = recorder.received[-2:]
    assert token.headers["authorization"].startswith("Basic ")
    assert "grant_type=client_credentials" in token.body
    assert told.headers["authorization"] == "Bearer fresh"
