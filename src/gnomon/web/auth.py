"""Who may do what: API keys, browser sessions, and the checks on where a request comes from."""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Protocol

from gnomon.lifecycle import Clock
from gnomon.model.api_keys import ApiKey, Scope, StoredKey
from gnomon.web.errors import ForbiddenError, UnauthenticatedError
from gnomon.web.settings import Settings

SESSION_COOKIE = "gnomon_session"
KEY_CACHE_S = 3.0
KEY_CACHE_SIZE = 1024

_TOKEN = re.compile(r"gnomon_(?P<id>[0-9a-f]{12})_(?P<secret>[A-Za-z0-9_-]{43})")
_SESSION = re.compile(r"(?P<id>[0-9a-f]{12})\.(?P<expires_s>\d{1,12})\.(?P<signature>[0-9a-f]{64})")
_NANOSECONDS = 1_000_000_000


class KeyFinder(Protocol):
    """Look keys up where they are kept."""

    async def find(self, key_id: str) -> StoredKey | None:
        """Return the key with that id, revoked ones included, or None."""


def create_token() -> tuple[str, str, bytes]:
    """Return a fresh key's id, its token of 256 random bits, and the token's SHA-256, which is all that is kept."""
    key_id = secrets.token_hex(6)
    token = f"gnomon_{key_id}_{secrets.token_urlsafe(32)}"
    return key_id, token, hashlib.sha256(token.encode()).digest()


def token_from_headers(headers: Mapping[str, str]) -> str | None:
    """Return the token of `Authorization: Bearer` or `Basic` (the password), or of `X-API-Key`; names in lower case."""
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    match scheme.lower():
        case "bearer":
            return credentials.strip()
        case "basic":
            try:
                decoded = base64.b64decode(credentials.strip(), validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                return ""
            return decoded.partition(":")[2]
    return headers.get("x-api-key")


class Authenticator:
    """Tell who asks, from an API key or a signed session, and remember the answer for `KEY_CACHE_S` seconds.

    The cache bounds both what a hot ingest path costs and how long a revoked key still opens the door.
    """

    def __init__(self, settings: Settings, keys: KeyFinder, clock: Clock) -> None:
        """Look keys up in `keys`."""
        self._settings = settings
        self._keys = keys
        self._clock = clock
        self._cache: dict[str, tuple[float, StoredKey | None]] = {}

    @property
    def required(self) -> bool:
        """Return whether requests must say who they are."""
        return self._settings.keys_required

    async def authorize(self, headers: Mapping[str, str], scope: Scope) -> ApiKey | None:
        """Return the key that permits `scope`, or None where none is needed; header names in lower case.

        Raises UnauthenticatedError without a valid key or session, ForbiddenError when it does not cover `scope`.
        """
        if not self.required:
            return None
        key = await self.identify(headers)
        if key is None:
            message = (
                f"A valid API key with the scope {scope.value!r} is needed. "
                f"`gnomon keys create --scope {scope.value}` makes one."
            )
            raise UnauthenticatedError(message)
        if not key.permits(scope):
            held = ", ".join(sorted(key.scopes))
            message = f"The API key {key.name!r} has the scope {held}, but this needs {scope.value!r}. Use another key."
            raise ForbiddenError(message)
        return key

    async def identify(self, headers: Mapping[str, str]) -> ApiKey | None:
        """Return the living key behind a request's token or session cookie, or None."""
        token = token_from_headers(headers)
        if token is not None:
            return await self.verify_token(token)
        if "cookie" in headers:
            return await self._verify_session(headers["cookie"])
        return None

    async def verify_token(self, token: str) -> ApiKey | None:
        """Return the living key whose token this is, or None."""
        match = _TOKEN.fullmatch(token)
        stored = await self._find(match["id"]) if match else None
        if stored is None or not hmac.compare_digest(hashlib.sha256(token.encode()).digest(), stored.token_sha256):
            return None
        return stored.key

    async def create_session(self, key: ApiKey) -> str:
        """Return the value of a session cookie for `key`; it ends with the key, or after the session's lifetime."""
        stored = await self._find(key.id)
        if stored is None:
            message = f"The API key {key.name!r} does not exist any more."
            raise UnauthenticatedError(message)
        expires_s = int(self._clock.now_ns() / _NANOSECONDS + self._settings.session_lifetime_s)
        return f"{key.id}.{expires_s}.{_sign(stored, expires_s)}"

    async def _verify_session(self, cookie_header: str) -> ApiKey | None:
        try:
            morsel = SimpleCookie(cookie_header).get(SESSION_COOKIE)
        except CookieError:
            return None
        match = _SESSION.fullmatch(morsel.value) if morsel else None
        if match is None or int(match["expires_s"]) * _NANOSECONDS < self._clock.now_ns():
            return None
        stored = await self._find(match["id"])
        if stored is None or not hmac.compare_digest(_sign(stored, int(match["expires_s"])), match["signature"]):
            return None
        return stored.key

    async def _find(self, key_id: str) -> StoredKey | None:
        now = self._clock.monotonic()
        cached = self._cache.get(key_id)
        if cached is not None and cached[0] > now:
            return cached[1]
        stored = await self._keys.find(key_id)
        if stored is not None and stored.key.revoked_at_ns is not None:
            stored = None
        if len(self._cache) >= KEY_CACHE_SIZE:
            self._cache.clear()
        self._cache[key_id] = (now + KEY_CACHE_S, stored)
        return stored


def _sign(stored: StoredKey, expires_s: int) -> str:
    # Only who can read the stored hash could sign a session, and whoever could would not need one.
    return hmac.new(stored.token_sha256, f"session.{stored.key.id}.{expires_s}".encode(), hashlib.sha256).hexdigest()
