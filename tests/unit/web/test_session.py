"""Browsers sign in with a key and carry a cookie."""

import pytest

from gnomon.model.api_keys import Scope
from gnomon.web import auth
from tests.unit.web.conftest import OpenApp

HTML = {"Accept": "text/html,application/xhtml+xml"}


async def test_a_browser_without_a_session_is_led_to_the_sign_in_page_and_back(open_app: OpenApp) -> None:
    async with open_app(require_keys=True) as app:
        token = await app.create_key(Scope.READ)
        sent_away = await app.client.get("/traces?service=a%20b", headers=HTML)
        assert sent_away.status_code == 303
        page = await app.client.get(sent_away.headers["Location"])
        assert 'value="/traces?service=a%20b"' in page.text

        signed_in = await app.client.post("/login", data={"key": token, "next": "/traces?service=a%20b"})

        assert signed_in.status_code == 303
        assert signed_in.headers["Location"] == "/traces?service=a%20b"
        assert (await app.client.get("/api/status")).status_code == 200


async def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(open_app: OpenApp) -> None:
    async with open_app(require_keys=True) as app:
        token = await app.create_key(Scope.READ)
        cookie = (await app.client.post("/login", data={"key": token})).headers["Set-Cookie"]

    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert token.split("_")[2] not in cookie


async def test_over_tls_the_cookie_stays_on_tls(open_app: OpenApp) -> None:
    async with open_app(require_keys=True, tls_certificate="certificate.pem") as app:
        token = await app.create_key(Scope.READ)

        assert "Secure" in (await app.client.post("/login", data={"key": token})).headers["Set-Cookie"]


@pytest.mark.parametrize("key", ["", "nonsense"])
async def test_a_wrong_key_is_told_on_the_page(open_app: OpenApp, key: str) -> None:
    async with open_app(require_keys=True) as app:
        answer = await app.client.post("/login", data={"key": key, "next": "/logs"})

    assert answer.status_code == 401
    assert "This key opens nothing here" in answer.text
    assert 'value="/logs"' in answer.text
    assert "Set-Cookie" not in answer.headers


async def test_a_key_for_ingest_alone_cannot_sign_in(open_app: OpenApp) -> None:
    async with open_app(require_keys=True) as app:
        token = await app.create_key(Scope.INGEST)

        assert (await app.client.post("/api/session", json={"key": token})).status_code == 401


@pytest.mark.parametrize(
    "target", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/a\nb"]
)
async def test_signing_in_never_leads_to_somebody_elses_page(open_app: OpenApp, target: str) -> None:
    async with open_app(require_keys=True) as app:
        token = await app.create_key(Scope.READ)
        answer = await app.client.post("/login", data={"key": token, "next": target})

    assert answer.headers["Location"] == "/"


@pytest.mark.parametrize("part", [0, 1, 2])
async def test_a_session_that_was_tampered_with_is_none(open_app: OpenApp, part: int) -> None:
    async with open_app(require_keys=True) as app:
        token = await app.create_key(Scope.READ)
        await app.create_key(Scope.ADMIN)
        await app.client.post("/api/session", json={"key": token})
        parts = app.client.cookies[auth.SESSION_COOKIE].split(".")
        parts[part] = ("1" if parts[part][0] != "1" else "2") + parts[part][1:]
        app.client.cookies.clear()

        answer = await app.client.get("/api/status", headers={"Cookie": f"{auth.SESSION_COOKIE}={'.'.join(parts)}"})

    assert answer.status_code == 401


async def test_a_session_ends_after_its_lifetime(open_app: OpenApp) -> None:
    async with open_app(require_keys=True, session_lifetime_s=-1) as app:
        token = await app.create_key(Scope.READ)
        cookie = await app.services.authenticator.create_session((await app.state.list_keys())[0])
        answer = await app.client.get("/api/status", headers={"Cookie": f"{auth.SESSION_COOKIE}={cookie}"})

    assert token
    assert answer.status_code == 401


async def test_signing_out_forgets_the_session(open_app: OpenApp) -> None:
    async with open_app(require_keys=True) as app:
        token = await app.create_key(Scope.READ)
        await app.client.post("/api/session", json={"key": token})
        assert (await app.client.get("/api/session")).json()["authenticated"] is True

        await app.client.delete("/api/session")

        assert (await app.client.get("/api/session")).json()["authenticated"] is False


async def test_without_required_keys_everybody_is_signed_in(open_app: OpenApp) -> None:
    async with open_app() as app:
        session = (await app.client.get("/api/session")).json()

    assert session == {
        "required": False,
        "authenticated": True,
        "key_name": None,
        "scopes": ["ingest", "read", "content", "admin"],
    }
