"""`/login` and `/api/session`: a browser shows its API key once and gets a cookie for it."""

import base64
import hashlib
import html
import re
from pathlib import Path
from string import Template
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel

from gnomon.model.api_keys import ApiKey, Scope
from gnomon.web.auth import SESSION_COOKIE
from gnomon.web.errors import UnauthenticatedError
from gnomon.web.services import Services, ServicesDep

router = APIRouter(tags=["session"])

_LOGIN_HTML = (Path(__file__).parent.parent / "pages" / "login.html").read_text(encoding="utf-8")
_SCRIPT = re.search(r"<script>(.*?)</script>", _LOGIN_HTML, re.DOTALL)
_SCRIPT_SHA256 = base64.b64encode(hashlib.sha256(_SCRIPT[1].encode() if _SCRIPT else b"").digest()).decode()
_LOGIN_POLICY = (
    f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{_SCRIPT_SHA256}'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


class SessionResponse(BaseModel):
    """Tell who the browser is to the server; without `required`, nobody needs to sign in."""

    required: bool
    authenticated: bool
    key_name: str | None = None
    scopes: list[Scope] = []


class SignInRequest(BaseModel):
    """Carry the API key that a person typed."""

    key: str


@router.get("/api/session", summary="Tell who is signed in")
async def get_session(request: Request, services: ServicesDep) -> SessionResponse:
    """Return the key behind this session; answers without one, too."""
    if not services.authenticator.required:
        return SessionResponse(required=False, authenticated=True, scopes=list(Scope))
    return _session(await services.authenticator.identify(request.headers))


@router.post(
    "/api/session", summary="Sign in with an API key", responses={401: {"description": "The key opens nothing."}}
)
async def post_session(credentials: SignInRequest, response: Response, services: ServicesDep) -> SessionResponse:
    """Set a session cookie for a key that may read."""
    key = await _verify(services, credentials.key)
    await _set_cookie(response, services, key)
    return _session(key)


@router.delete("/api/session", status_code=204, summary="Sign out")
async def delete_session(response: Response) -> None:
    """Forget the session cookie."""
    response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="strict")


@router.get("/login", include_in_schema=False)
async def get_login(next_path: Annotated[str, Query(alias="next")] = "/") -> HTMLResponse:
    """Show the sign-in page."""
    return _login_page(next_path)


@router.post("/login", include_in_schema=False)
async def post_login(request: Request, services: ServicesDep) -> Response:
    """Take the form of the sign-in page, set the cookie and go on to where the browser wanted to be."""
    form = parse_qs((await request.body()).decode("utf-8", "replace"))
    next_path = form.get("next", ["/"])[0]
    try:
        key = await _verify(services, form.get("key", [""])[0].strip())
    except UnauthenticatedError as error:
        return _login_page(next_path, failure=str(error))
    response = RedirectResponse(_own_path(next_path), status_code=303)
    await _set_cookie(response, services, key)
    return response


async def _verify(services: Services, token: str) -> ApiKey:
    key = await services.authenticator.verify_token(token)
    if key is None or not key.permits(Scope.READ):
        message = "This key opens nothing here: it is mistyped, revoked, or without the scope 'read'."
        raise UnauthenticatedError(message)
    return key


async def _set_cookie(response: Response, services: Services, key: ApiKey) -> None:
    response.set_cookie(
        SESSION_COOKIE,
        await services.authenticator.create_session(key),
        max_age=int(services.settings.session_lifetime_s),
        path="/",
        secure=services.settings.scheme == "https",
        httponly=True,
        samesite="strict",
    )


def _session(key: ApiKey | None) -> SessionResponse:
    if key is None:
        return SessionResponse(required=True, authenticated=False)
    return SessionResponse(required=True, authenticated=True, key_name=key.name, scopes=sorted(key.scopes))


def _login_page(next_path: str, failure: str | None = None) -> HTMLResponse:
    page = Template(_LOGIN_HTML).substitute(
        next=html.escape(_own_path(next_path)),
        described='aria-invalid="true" aria-describedby="failure"' if failure else "",
        failure=f'<p class="failure" id="failure" role="alert">{html.escape(failure)}</p>' if failure else "",
    )
    headers = {"Content-Security-Policy": _LOGIN_POLICY, "Cache-Control": "no-store"}
    return HTMLResponse(page, status_code=401 if failure else 200, headers=headers)


def _own_path(path: str) -> str:
    # `//host` and `/\host` would lead a browser to somebody else's page.
    return path if re.fullmatch(r"/(?![/\\])[^\x00-\x20\\]*", path) else "/"
