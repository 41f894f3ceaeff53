"""The launcher's control: a loopback address where incidents are asked for, known from a file in the state folder."""

import json
import os
import secrets
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

FILE_NAME = "control.json"
LONGEST_S = 3600.0

Begin = Callable[[str, float], str]
"""Begin an incident of that name for so many seconds; returns a complaint, or nothing when it began."""


class Control:
    """Serve `POST /incidents/{name}?seconds=` to whoever can read the file."""

    def __init__(self, state_dir: Path, names: list[str], begin: Begin) -> None:
        """Listen on a free port once entered."""
        self._path = state_dir / FILE_NAME
        self._token = secrets.token_urlsafe(24)
        self._names = names
        self._begin = begin
        self._server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        """Listen, and write down where."""
        control = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                status, answer = control.answer(
                    self.path, self.headers.get("Authorization") or "", self.rfile.read(length)
                )
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="control", daemon=True).start()
        self._path.unlink(missing_ok=True)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump({"url": f"http://127.0.0.1:{self._server.server_port}", "token": self._token}, file)
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop listening."""
        self._path.unlink(missing_ok=True)
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def answer(self, path: str, authorization: str, body: bytes) -> tuple[int, dict[str, object]]:
        """Return status and body for a request."""
        if not secrets.compare_digest(authorization, f"Bearer {self._token}"):
            return 401, {"error": f"The token in {FILE_NAME} is needed."}
        head, _slash, name = path.rpartition("/")
        if head != "/incidents" or name not in self._names:
            return 404, {"error": f"Unknown incident: {name!r}. Use one of {', '.join(self._names)}."}
        try:
            seconds = float(json.loads(body or b"{}").get("seconds", 60.0))
        except (ValueError, AttributeError, TypeError):
            return 422, {"error": "Send a JSON object with the number of seconds."}
        if not 0 < seconds <= LONGEST_S:
            return 422, {"error": f"Invalid duration: {seconds!r}. Use up to {LONGEST_S:.0f} s."}
        complaint = self._begin(name, seconds)
        return (409, {"error": complaint}) if complaint else (202, {"incident": name, "seconds": seconds})
