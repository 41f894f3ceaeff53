"""Mails through a real SMTP server that insists on TLS and a password."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from gnomon.alerting.channels.channel import Reason, Tools
from gnomon.alerting.channels.email import Email, EmailConfig, ThreadingOptions
from gnomon.alerting.fired_alerts import FiredAlert
from gnomon.alerting.message_templates import MessageTemplates
from gnomon.alerting.message_values import Message
from gnomon.alerting.outgoing_http import OutgoingHttp, OutgoingSettings
from gnomon.ingest.scraping.http_options import TlsConfig
from gnomon.model.labels import Labels
from tests import smtp_server
from tests.peers.processes import free_ports

LABELS = Labels.of({"alertname": "TooSlow", "service": "check<out>"})
NOW_NS = 1_800_000_000_000_000_000
ALERT = FiredAlert(LABELS, {"summary": "5 < 7 & more"}, NOW_NS - 60_000_000_000, 0, "javascript:alert(1)")
MESSAGE = Message("mail", '{}:{alertname="TooSlow"}', LABELS.keep({"alertname"}), (ALERT,), NOW_NS, "http://g.example")


@dataclass(frozen=True)
class Server:
    port: str
    folder: Path
    certificate: str
    password_file: str

    def next_mail(self) -> EmailMessage:
        """Return the mail that came first, once; the server has kept it before it said so."""
        path = min(self.folder.glob("*.eml"), key=lambda each: int(each.stem))
        found = message_from_bytes(path.read_bytes(), policy=policy.default)
        assert isinstance(found, EmailMessage)
        path.unlink()
        return found

    def config(self, **changes: object) -> EmailConfig:
        config = EmailConfig.model_validate(
            {
                "to": "one@example.org, Two <two@example.org>",
                "from": "Gnomon <gnomon@example.org>",
                "smarthost": f"127.0.0.1:{self.port}",
                "auth_username": smtp_server.USER.decode(),
                "auth_password_file": self.password_file,
                "tls_config": {"ca_file": self.certificate, "server_name": "localhost"},
            }
        )
        return config.model_copy(update=changes)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("smtp")
    certificate, key = str(folder / "certificate.pem"), str(folder / "key.pem")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost"),
        ],
        check=True,
        capture_output=True,
    )
    password_file = folder / "password"
    password_file.write_text(smtp_server.PASSWORD.decode() + "\n", encoding="utf-8")
    (port,) = free_ports(1)
    command = [sys.executable, smtp_server.__file__, str(port), str(folder), certificate, key]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield Server(str(port), folder, certificate, str(password_file))
        finally:
            process.kill()


def email(config: EmailConfig) -> Email:
    return Email(config, Tools(MessageTemplates(), OutgoingHttp(OutgoingSettings())))


async def test_a_mail_arrives_over_tls_with_password_text_and_html(server: Server) -> None:
    outcome = await email(server.config()).send(MESSAGE)
    assert (outcome.delivered, outcome.answer) == (True, "kept")
    mail = server.next_mail()
    assert (mail["X-Test-Tls"], mail["X-Test-From"]) == ("True", "gnomon@example.org")
    assert mail["X-Test-To"] == "one@example.org, two@example.org"
    assert mail["Subject"] == "[FIRING:1] TooSlow (check<out>)"
    text, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert page is not None
    assert "summary = 5 < 7 & more" in text.get_content()
    assert "check&lt;out&gt;" in page.get_content()
    assert "5 &lt; 7 &amp; more" in page.get_content()
    assert "javascript:" not in page.get_content()


async def test_headers_and_threads_are_as_configured(server: Server) -> None:
    config = server.config(
        headers={"subject": "{{ .Status }}: {{ .GroupLabels.alertname }}", "X-Team": "{{ len .Alerts }}"},
        threading=ThreadingOptions(enabled=True, thread_by_date="none"),
        html="",
        text="{{ range .Alerts }}{{ .Labels.service }}{{ end }}",
    )
    threads = set()
    for _ in range(2):
        assert (await email(config).send(MESSAGE)).delivered
    for _ in range(2):
        mail = server.next_mail()
        assert (mail["Subject"], mail["X-Team"]) == ("firing: TooSlow", "1")
        assert mail.get_content().strip() == "check<out>"
        threads.add(mail["References"])
    assert len(threads) == 1


async def test_a_wrong_password_is_told_with_the_servers_words(server: Server) -> None:
    outcome = await email(server.config(auth_password="wrong", auth_password_file="")).send(MESSAGE)
    assert (outcome.delivered, outcome.recoverable, outcome.status) == (False, False, 535)
    assert "535" in outcome.answer


async def test_a_missing_password_file_is_worth_another_try(server: Server) -> None:
    outcome = await email(server.config(auth_password_file="/nowhere/password")).send(MESSAGE)
    assert (outcome.reason, outcome.recoverable) == (Reason.SECRET, True)
    assert "/nowhere/password" in outcome.answer


async def test_a_recipient_whom_the_server_refuses_is_not_tried_again(server: Server) -> None:
    outcome = await email(server.config(to=smtp_server.REFUSED)).send(MESSAGE)
    assert (outcome.delivered, outcome.recoverable, outcome.status) == (False, False, 550)
    assert "no such mailbox" in outcome.answer


async def test_a_certificate_that_nobody_vouches_for_is_refused(server: Server) -> None:
    outcome = await email(server.config(tls_config=TlsConfig())).send(MESSAGE)
    assert (outcome.delivered, outcome.reason) == (False, Reason.UNREACHABLE)
    assert "certificate" in outcome.answer.lower()


async def test_a_server_that_is_not_there_is_unreachable() -> None:
    (port,) = free_ports(1)
    config = EmailConfig.model_validate({"to": "a@b.example", "from": "c@d.example", "smarthost": f"127.0.0.1:{port}"})
    outcome = await email(config).send(MESSAGE)
    assert (outcome.reason, outcome.recoverable) == (Reason.UNREACHABLE, True)


async def test_a_template_that_cannot_be_filled_in_is_no_attempt(server: Server) -> None:
    outcome = await email(server.config(text="{{ .Nothing }}")).send(MESSAGE)
    assert (outcome.reason, outcome.recoverable) == (Reason.TEMPLATE, False)


async def test_the_preview_shows_the_mail_and_sends_nothing(server: Server) -> None:
    (composed,) = await email(server.config()).compose(replace(MESSAGE, alerts=(ALERT,)))
    assert composed.target == "gnomon@example.org → one@example.org, two@example.org"
    assert composed.headers["Subject"].startswith("[FIRING:1]")
    assert "check&lt;out&gt;" in composed.html
