"""ClickHouse's HTTP interface over a chDB of its own: `python -m tests.clickhouse_http DIRECTORY` prints the port.

No ClickHouse server can be installed from a package registry, so this one stands in for its transport alone:
statements, parameters, settings, formats, bodies of inserts and errors go the same way over HTTP, and a real engine
answers them.
"""

import re
import sys
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import chdb

_INSERT = re.compile(r"(INSERT INTO .+?) FORMAT (\w+)\s*$", re.DOTALL)
_TRANSPORT = {
    "query",
    "database",
    "query_id",
    "session_id",
    "compress",
    "decompress",
    "enable_http_compression",
    "wait_end_of_query",
}


class Handler(BaseHTTPRequestHandler):
    """Answer one connection's requests."""

    protocol_version = "HTTP/1.1"
    directory = Path()

    def do_GET(self) -> None:
        """Run the statement of the address."""
        self.do_POST()

    def do_POST(self) -> None:
        """Run the statement of the address or of the body."""
        values = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        body = self._read_body()
        statement = values.get("query") or body.decode()
        data = body if "query" in values else b""
        parameters = {name.removeprefix("param_"): value for name, value in values.items() if name.startswith("param_")}
        settings = {
            name: value for name, value in values.items() if name not in _TRANSPORT and not name.startswith("param_")
        }
        try:
            self._answer(200, self._run(statement, data, parameters, settings))
        except RuntimeError as error:
            self._answer(500, str(error).encode())

    def _run(self, statement: str, data: bytes, parameters: dict[str, str], settings: dict[str, str]) -> bytes:
        connection = chdb.connect(  # type: ignore[no-untyped-call]  # chDB has no types
            f"{self.directory}?{urlencode(settings)}" if settings else str(self.directory)
        )
        try:
            if (insert := _INSERT.search(statement)) and data:
                with tempfile.NamedTemporaryFile() as file:
                    file.write(data)
                    file.flush()
                    statement = f"{insert[1]} SELECT * FROM file('{file.name}', '{insert[2]}')"
                    return bytes(connection.query(statement, "TabSeparated", params=parameters).bytes())
            return bytes(connection.query(statement, "TabSeparated", params=parameters).bytes())
        finally:
            connection.close()

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        if status != 200:
            code = re.search(rb"Code: (\d+)", body)
            self.send_header("X-ClickHouse-Exception-Code", code[1].decode() if code else "1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    Handler.directory = Path(sys.argv[1]).resolve()
    keep_open = chdb.connect(str(Handler.directory))  # type: ignore[no-untyped-call]  # chDB has no types
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()
