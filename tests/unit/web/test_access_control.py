"""Who gets through the door, and what the others are told."""

import base64

import pytest

from gnomon.model.api_keys import Scope
from gnomon.web import auth
from gnomon.web.access_control import required_scope
from tests.unit.web.conftest import OpenApp


async def test_loopback_needs_no_key(open_app: OpenApp) -> None:
    async with open_app() as app:
        assert (await app.client.get("/api/status")).status_code == 200
        assert (await app.client.post("/v1/traces", content=b"abc")).text == "3"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:1212", "127.0.0.1.evil.example", "192.168.0.7:1212"])
async def test_a_foreign_name_for_this_machine_is_refused(open_app: OpenApp, host: str) -> None:
    async with open_app() as app:
        answer = await app.client.get("/api/status", headers={"Host": host})

    assert answer.status_code == 403
    assert repr(host) in answer.json()["error"]["message"]


@pytest.mark.parametrize("host", ["localhost", "localhost:80", "127.0.0.1:1212", "[::1]:1212", "gnomon.example:443"])
async def test_own_names_and_allowed_hosts_get_through(open_app: OpenApp, host: str) -> None:
    async with open_app(allowed_hosts=("gnomon.example",)) as app:
        assert (await app.client.get("/api/status", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize("path", ["/v1/traces", "/-/reload"])
async def test_pages_of_others_cannot_change_anything(open_app: OpenApp, path: str) -> None:
    async with open_app() as app:
        foreign = await app.client.post(path, headers={"Origin": "https://evil.example"})
        own = await app.client.post(path, headers={"Origin": "http://localhost:1212"})

    assert foreign.status_code == 403
    assert own.status_code == 200


async def test_pages_that_are_listed_may_send_telemetry_and_nothing_else(open_app: OpenApp) -> None:
    async with open_app(ingest_origins=("https://shop.example",)) as app:
        headers = {"Origin": "https://shop.example"}
        sent = await app.client.post("/v1/traces", headers=headers)
        reloaded = await app.client.post("/-/reload", headers=headers)

    assert (sent.status_code, reloaded.status_code) == (200, 403)


async def test_keys_are_required_wherever_it_is_not_loopback(open_app: OpenApp) -> None:
    async with open_app(host="0.0.0.0") as app:
        answer = await app.client.get("/api/status")

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert "gnomon keys create --scope read" in answer.json()["error"]["message"]


@pytest.mark.parametrize("way", ["bearer", "basic", "x-api-key"])
async def test_a_key_is_taken_in_each_way_that_senders_have(open_app: OpenApp, way: str) -> None:
    async with open_app(require_keys=True) as app:
        token = await app.create_key(Scope.READ)
        headers = {
            "bearer": {"Authorization": f"Bearer {token}"},
            "basic": {"Authorization": "Basic " + base64.b64encode(f"anybody:{token}".encode()).decode()},
            "x-api-key": {"X-API-Key": token},
        }[way]

        assert (await app.client.get("/api/status", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("held", "method", "path", "code"),
    [
        (Scope.INGEST, "POST", "/v1/traces", 200),
        (Scope.INGEST, "GET", "/api/status", 403),
        (Scope.INGEST, "POST", "/-/reload", 403),
        (Scope.READ, "POST", "/v1/traces", 403),
        (Scope.READ, "GET", "/api/status", 200),
        (Scope.READ, "GET", "/metrics", 200),
        (Scope.READ, "POST", "/-/reload", 403),
        (Scope.ADMIN, "POST", "/v1/traces", 200),
        (Scope.ADMIN, "GET", "/api/status", 200),
        (Scope.ADMIN, "POST", "/-/reload", 200),
    ],
)
async def test_scopes_open_their_own_doors_and_admin_all(
    open_app: OpenApp, held: Scope, method: str, path: str, code: int
) -> None:
    async with open_app(require_keys=True) as app:
        token = await app.create_key(held)

        assert (await app.client.request(method, path, headers={"X-API-Key": token})).status_code == code


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/health/startup", "/login", "/api/session"])
async def test_probes_and_the_way_in_need_no_key(open_app: OpenApp, path: str) -> None:
    async with open_app(require_keys=True) as app:
        assert (await app.client.get(path)).status_code == 200


def test_whatever_is_not_listed_needs_at_least_read() -> None:
    for path in ("/", "/traces", "/api/storage", "/health/detail", "/metrics", "/api/docs", "/loki/api/v1/query"):
        assert required_scope(path) is Scope.READ, path


@pytest.mark.parametrize("change", ["last", "id", "empty", "garbage"])
async def test_a_token_that_is_not_exactly_right_opens_nothing(open_app: OpenApp, change: str) -> None:
    async with open_app(require_keys=True) as app:
        token = await app.create_key(Scope.ADMIN)
        wrong = {
            "last": token[:-1] + ("A" if token[-1] != "A" else "B"),
            "id": token.replace(token[7:19], "000000000000"),
            "empty": "",
            "garbage": "gnomon",
        }[change]

        assert (await app.client.get("/api/status", headers={"X-API-Key": wrong})).status_code == 401


async def test_a_revoked_key_opens_nothing_once_the_memory_of_it_is_gone(
    open_app: OpenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "KEY_CACHE_S", 0.0)
    async with open_app(require_keys=True) as app:
        token = await app.create_key(Scope.READ)
        before = await app.client.get("/api/status", headers={"X-API-Key": token})
        await app.state.revoke_key(token.split("_")[1])
        after = await app.client.get("/api/status", headers={"X-API-Key": token})

    assert (before.status_code, after.status_code) == (200, 401)


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("POST", "/api/v1/query_range", Scope.READ),
        ("POST", "/api/v1/read", Scope.READ),
        ("GET", "/api/v1/status/config", Scope.READ),
        ("GET", "/federate", Scope.READ),
        ("POST", "/api/v1/write", Scope.INGEST),
        ("POST", "/-/reload", Scope.ADMIN),
        ("GET", "/-/healthy", None),
        ("GET", "/-/ready", None),
    ],
)
def test_prometheus_routes_want_the_scope_of_what_they_do(method: str, path: str, scope: Scope | None) -> None:
    """Queries are reading, whatever their method; probes are for everybody."""
    assert required_scope(path, method) is scope
