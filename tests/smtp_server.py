"""A real SMTP server as a process of its own: STARTTLS, then user and password; every mail becomes a file.

Arguments: port, folder for mails, certificate, key.
"""

import asyncio
import ssl
import sys
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

USER, PASSWORD = b"gnomon", b"from-a-file"
REFUSED = "nobody@example.org"


class Keep:
    """Write mails down, and refuse one recipient."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    async def handle_RCPT(  # noqa: N802 - the server's name for it
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if address == REFUSED:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - as above
        self._count += 1
        head = (
            f"X-Test-From: {envelope.mail_from}\r\nX-Test-To: {', '.join(envelope.rcpt_tos)}\r\n"
            f"X-Test-Tls: {session.ssl is not None}\r\nX-Test-User: {session.authenticated}\r\n"
        )
        unfinished = self._folder / f"{self._count}.unfinished"
        unfinished.write_bytes(head.encode() + envelope.content)
        unfinished.rename(unfinished.with_suffix(".eml"))
        return "250 kept"


def authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (USER, PASSWORD)
    return AuthResult(success=good, handled=False)


async def main(port: int, folder: Path, certificate: str, key: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    keep = Keep(folder)

    def make() -> SMTP:
        return SMTP(keep, tls_context=context, require_starttls=True, authenticator=authenticate, auth_required=True)

    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", port)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4]))
