"""Email: SMTP with TLS and authentication, HTML and text in one message."""

import asyncio
import hashlib
import ssl
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, getaddresses, make_msgid

import aiosmtplib
from pydantic import Field, model_validator

from gnomon.alerting.channels.channel import Composed, Outcome, Reason, SecretFileError, Tools, read_secret
from gnomon.alerting.config_values import ChannelSection, HostPort, Secret
from gnomon.alerting.message_values import Message
from gnomon.ingest.scraping.file_sections import Section
from gnomon.ingest.scraping.http_client import make_ssl_context
from gnomon.ingest.scraping.http_options import TlsConfig
from gnomon.model.errors import InvalidInputError

_TIMEOUT_S = 30.0
_IMPLICIT_TLS_PORT = "465"
_PERMANENT = 500
_SUBJECT = '{{ template "email.default.subject" . }}'
_THREAD_HEADERS = frozenset({"references", "in-reply-to"})


class ThreadingOptions(Section):
    """Whether mails about one group make a thread."""

    enabled: bool = False
    thread_by_date: str = ""


class EmailConfig(ChannelSection):
    """Whom to write to, by which server, and what."""

    send_resolved: bool = False
    to: str = ""
    from_: str = Field(default="", alias="from")
    hello: str = ""
    smarthost: HostPort = None
    auth_username: str = ""
    auth_password: Secret = ""
    auth_password_file: str = ""
    auth_secret: Secret = ""
    auth_secret_file: str = ""
    auth_identity: str = ""
    headers: dict[str, str] = Field(default_factory=dict)
    html: str = '{{ template "email.default.html" . }}'
    text: str = '{{ template "email.default.text" . }}'
    require_tls: bool | None = None
    tls_config: TlsConfig | None = None
    force_implicit_tls: bool | None = None
    threading: ThreadingOptions = ThreadingOptions()

    @model_validator(mode="after")
    def _check(self) -> "EmailConfig":
        if not self.to:
            raise ValueError("missing to address in email config")
        names = [name.lower() for name in self.headers]
        if len(set(names)) < len(names):
            raise ValueError("duplicate header in email config: names differ in more than capitals")
        if self.threading.enabled:
            if _THREAD_HEADERS.intersection(names):
                raise ValueError("threading.enabled conflicts with custom References and In-Reply-To headers")
            if self.threading.thread_by_date not in {"none", "daily"}:
                raise ValueError("threading.thread_by_date must be either 'none' or 'daily'")
        return self


class Email:
    """Send mails."""

    kind = "email"

    def __init__(self, config: EmailConfig, tools: Tools) -> None:
        """Send as the configuration says."""
        self._config = config
        self._tools = tools

    @property
    def sends_resolved(self) -> bool:
        """Tell whether the end of alerts is told, too."""
        return self._config.send_resolved

    async def compose(self, message: Message) -> list[Composed]:
        """Return the mail that `send` would send."""
        mail, sender, recipients = await self._mail(message)
        text, page = mail.get_body(("plain",)), mail.get_body(("html",))
        return [
            Composed(
                target=f"{sender} → {', '.join(recipients)}",
                body=str(text.get_content()) if text is not None else "",
                headers={name: str(value) for name, value in mail.items()},
                html=str(page.get_content()) if page is not None else "",
            )
        ]

    async def send(self, message: Message) -> Outcome:
        """Send the mail."""
        try:
            mail, sender, recipients = await self._mail(message)
            async with asyncio.timeout(_TIMEOUT_S):
                answer = await self._deliver(mail, sender, recipients)
        except SecretFileError as error:
            return Outcome(delivered=False, reason=Reason.SECRET, answer=str(error))
        except TimeoutError:
            return Outcome(delivered=False, reason=Reason.TIMEOUT, answer=f"no answer within {_TIMEOUT_S:g} s")
        except aiosmtplib.SMTPRecipientsRefused as error:
            code = max((fault.code for fault in error.recipients), default=0)
            text = "; ".join(f"{fault.recipient}: {fault.code} {fault.message}" for fault in error.recipients)
            return _refused(code, text)
        except aiosmtplib.SMTPResponseException as error:
            return _refused(error.code, f"{error.code} {error.message}")
        except (aiosmtplib.SMTPException, ssl.SSLError, OSError) as error:
            return Outcome(delivered=False, reason=Reason.UNREACHABLE, answer=f"{type(error).__name__}: {error}")
        except (InvalidInputError, MessageError, ValueError, IndexError) as error:
            # After the others: a certificate's fault is a ValueError, too.
            return Outcome(delivered=False, reason=Reason.TEMPLATE, answer=str(error), recoverable=False)
        return Outcome(delivered=True, answer=answer)

    async def _deliver(self, mail: EmailMessage, sender: str, recipients: list[str]) -> str:
        config = self._config
        host, port = config.smarthost or ("", "")
        implicit = port == _IMPLICIT_TLS_PORT if config.force_implicit_tls is None else config.force_implicit_tls
        tls = config.tls_config or TlsConfig()
        client = aiosmtplib.SMTP(
            hostname=host,
            port=int(port),
            local_hostname=config.hello or "localhost",
            use_tls=implicit,
            start_tls=False,
            tls_context=make_ssl_context(tls),
            timeout=_TIMEOUT_S,
        )
        async with client:
            if not implicit:
                await self._start_tls(client, tls)
            await self._log_in(client)
            _errors, answer = await client.send_message(mail, sender=sender, recipients=recipients)
            return answer

    async def _start_tls(self, client: aiosmtplib.SMTP, tls: TlsConfig) -> None:
        await client.ehlo()
        if client.supports_extension("starttls"):
            plain = client.transport
            try:
                await client.starttls(server_hostname=tls.server_name or None, tls_context=make_ssl_context(tls))
            except (aiosmtplib.SMTPException, ssl.SSLError, OSError):
                # The connection below a handshake that failed is nobody's, and would stay open.
                if isinstance(plain, asyncio.WriteTransport):
                    plain.abort()
                raise
        elif self._config.require_tls is not False:
            raise aiosmtplib.SMTPException("'require_tls' is true (default) but the server offers no STARTTLS")

    async def _log_in(self, client: aiosmtplib.SMTP) -> None:
        config = self._config
        if not config.auth_username:
            return
        secret = read_secret(config.auth_secret, config.auth_secret_file)
        password = read_secret(config.auth_password, config.auth_password_file)
        await client.ehlo()
        if secret and "cram-md5" in client.server_auth_methods:
            await client.auth_crammd5(config.auth_username, secret)
        elif password and "plain" in client.server_auth_methods:
            await client.auth_plain(config.auth_username, password)
        elif password:
            await client.auth_login(config.auth_username, password)

    async def _mail(self, message: Message) -> tuple[EmailMessage, str, list[str]]:
        config, templates = self._config, self._tools.templates
        sender = await templates.text(config.from_, message)
        to = await templates.text(config.to, message)
        headers = {name.title(): await templates.text(value, message) for name, value in config.headers.items()}
        mail = EmailMessage()
        mail["From"] = headers.pop("From", sender)
        mail["To"] = headers.pop("To", to)
        mail["Subject"] = " ".join((headers.pop("Subject", "") or await templates.text(_SUBJECT, message)).split())
        mail["Date"] = format_datetime(datetime.now(UTC))
        mail["Message-Id"] = headers.pop("Message-Id", "") or make_msgid(domain="gnomon")
        mail["Auto-Submitted"] = "auto-generated"
        for name, value in {**headers, **self._thread(message)}.items():
            mail[name] = value
        text = await templates.text(config.text, message)
        page = await templates.html(config.html, message) if config.html else ""
        if text or not page:
            mail.set_content(text)
            if page:
                mail.add_alternative(page, subtype="html")
        else:
            mail.set_content(page, subtype="html")
        recipients = [address for _name, address in getaddresses([to]) if address]
        return mail, _address(sender), recipients

    def _thread(self, message: Message) -> dict[str, str]:
        threading = self._config.threading
        if not threading.enabled:
            return {}
        digest = hashlib.sha256(message.group_key.encode()).hexdigest()[:16]
        day = f"-{datetime.now(UTC):%Y-%m-%d}" if threading.thread_by_date == "daily" else ""
        thread = f"<alert-{digest}{day}@gnomon>"
        return {"References": thread, "In-Reply-To": thread}


def _address(text: str) -> str:
    found = getaddresses([text])
    if not found or not found[0][1]:
        raise InvalidInputError(f"Invalid sender {text!r}. Write an address, such as gnomon@example.org.")
    return str(Address(addr_spec=found[0][1]).addr_spec)


def _refused(code: int, answer: str) -> Outcome:
    permanent = code >= _PERMANENT
    return Outcome(
        delivered=False,
        reason=Reason.CLIENT_ERROR if permanent else Reason.SERVER_ERROR,
        answer=answer,
        status=code,
        recoverable=not permanent,
    )
