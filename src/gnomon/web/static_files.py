"""The UI's files: compressed, cached by their hashed names, and `index.html` for every address of the app."""

import base64
import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

STATIC_DIRECTORY: Final = Path(__file__).parent / "static"

_COMPRESSIBLE = (
    "text/",
    "application/javascript",
    "application/json",
    "image/svg+xml",
    "application/wasm",
    "application/manifest",
)
_INLINE_SCRIPT = re.compile(r"<script(?:\s[^>]*)?>(.+?)</script>", re.DOTALL)
_FOREVER = "public, max-age=31536000, immutable"
_REVALIDATE = "no-cache"
_NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Gnomon</title>
<body style="font: 14px/1.5 system-ui; max-width: 40em; margin: 4em auto">
<h1>The user interface is not built</h1><p>Gnomon runs, but this installation has no interface: it was started from a
source tree. Run <code>npm ci &amp;&amp; npm run build</code> in <code>ui/</code> and reload. The API is described at
<a href="/api/docs">/api/docs</a>.</p>"""


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    gzipped: bytes | None
    media_type: str
    etag: str
    modified_ns: int
    policy: str | None


class StaticFiles:
    """Serve the files of one directory, and `index.html` where a browser asks for a page that is no file.

    Files are read once and again when they change on disk, and kept compressed: a built UI is a few megabytes.
    """

    def __init__(self, directory: Path = STATIC_DIRECTORY) -> None:
        """Serve `directory`; it need not exist yet."""
        self._directory = directory.resolve()
        self._files: dict[Path, _File] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one GET or HEAD request."""
        scope["gnomon.route"] = "/{file}"
        await self._respond(scope["method"], scope["path"], Headers(scope=scope))(scope, receive, send)

    def _respond(self, method: str, path: str, headers: Headers) -> Response:
        if method not in {"GET", "HEAD"}:
            return PlainTextResponse(
                "Only GET and HEAD are possible here.\n", status_code=405, headers={"Allow": "GET, HEAD"}
            )
        file = self._read(path.lstrip("/"))
        if file is None:
            if not _asks_for_page(path, headers.get("accept", "*/*")):
                return PlainTextResponse(f"There is no file {path!r} here.\n", status_code=404)
            file = self._read("index.html")
        if file is None:
            return HTMLResponse(_NOT_BUILT, status_code=200)
        answer_headers = {
            "ETag": file.etag,
            "Cache-Control": _FOREVER if path.startswith("/assets/") else _REVALIDATE,
            "Last-Modified": formatdate(file.modified_ns / 1e9, usegmt=True),
            "Vary": "Accept-Encoding",
        }
        if file.policy is not None:
            answer_headers["Content-Security-Policy"] = file.policy
        if file.etag in headers.get("if-none-match", ""):
            return Response(status_code=304, headers=answer_headers)
        content = file.content
        if file.gzipped is not None and "gzip" in headers.get("accept-encoding", ""):
            content = file.gzipped
            answer_headers["Content-Encoding"] = "gzip"
        return Response(content, media_type=file.media_type, headers=answer_headers)

    def _read(self, name: str) -> _File | None:
        path = (self._directory / name).resolve()
        if not path.is_relative_to(self._directory) or not path.is_file():
            return None
        modified_ns = path.stat().st_mtime_ns
        cached = self._files.get(path)
        if cached is None or cached.modified_ns != modified_ns:
            cached = self._files[path] = _load(path, modified_ns)
        return cached


def _asks_for_page(path: str, accept: str) -> bool:
    # Scripts and images accept anything, too, but bear a suffix; so does `curl`, without one.
    if path.startswith("/assets/"):
        return False
    return "text/html" in accept or ("*/*" in accept and "." not in path.rpartition("/")[2])


def _load(path: Path, modified_ns: int) -> _File:
    content = path.read_bytes()
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    gzipped = None
    if media_type.startswith(_COMPRESSIBLE) or path.suffix in {".js", ".mjs"}:
        ready = path.with_name(path.name + ".gz")
        gzipped = ready.read_bytes() if ready.is_file() else gzip.compress(content, 6, mtime=0)
    etag = f'"{hashlib.sha256(content).hexdigest()[:24]}"'
    policy = page_policy(content.decode()) if media_type == "text/html" else None
    return _File(content, gzipped, media_type, etag, modified_ns, policy)


def page_policy(page: str) -> str:
    """Return the Content-Security-Policy of a page: its own origin, and the inline scripts that it was built with."""
    hashes = [
        base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in _INLINE_SCRIPT.findall(page)
    ]
    scripts = " ".join(["'self'", *(f"'sha256-{digest}'" for digest in hashes)])
    return (
        f"default-src 'self'; script-src {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    )
