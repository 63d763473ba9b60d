"""How emails leave: by the mail server, or in development on the console and as files."""

from __future__ import annotations

import ipaddress
import os
import smtplib
import ssl
from contextlib import closing, suppress
from email.message import EmailMessage
from email.utils import localtime, parseaddr
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click

from authapp.config import Settings
from authapp.core import clock
from authapp.core.email import Mailer, Message, Undeliverable

TIMEOUT_SECONDS = 10
ACCEPTED_WITHIN_SECONDS = 600  # RFC 5321 section 4.5.3.2.6: whoever leaves before sends the email twice
_PERMANENT = range(500, 600)  # RFC 5321 section 4.2.1
_NOT_SIGNED_IN = (530, 535)  # RFC 4954 section 6: MAIL_URL is wrong, not the email
_LONGEST_NAME = 200  # characters of a recipient in the name of a file
_SUBMISSION_PORT, _SUBMISSIONS_PORT = 587, 465  # RFC 8314 section 3.3


class ConsoleMailer:
    """Prints emails, for development. With a folder, it also writes each one to a text file there."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def send(self, message_id: str, recipient: str, message: Message) -> None:
        rule, email = "-" * 72, f"To: {recipient}\nSubject: {message.subject}\n\n{message.text}"
        click.echo(f"{rule}\n{email}\n{rule}")
        if self._folder:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # emails have tokens
            name = f"{clock.now():%Y-%m-%dT%H-%M-%S.%f}_{recipient.replace('/', '_')[:_LONGEST_NAME]}.txt"
            with os.fdopen(os.open(self._folder / name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
                file.write(email)


class MemoryMailer:
    """Keeps emails, for tests."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Message]] = []

    def send(self, message_id: str, recipient: str, message: Message) -> None:
        self.sent.append((recipient, message))


class _Connection(smtplib.SMTP):
    """A connection to a mail server, which may take its time to accept what it has been sent."""

    def data(self, msg: bytes | str) -> tuple[int, bytes]:  # type: ignore[override]
        if self.sock:
            self.sock.settimeout(ACCEPTED_WITHIN_SECONDS)
        return super().data(msg)


class _TlsConnection(_Connection, smtplib.SMTP_SSL):
    """The same over TLS from its first byte."""


class SmtpMailer:
    """Hands emails to a mail server: with STARTTLS (`smtp://`) or over TLS (`smtps://`).

    They go unencrypted only to a server on this host that does not offer STARTTLS.
    """

    def __init__(self, url: str, sender: str) -> None:
        self._url, self._sender = urlsplit(url), sender

    def send(self, message_id: str, recipient: str, message: Message) -> None:
        email = self._compose(message_id, recipient, message)
        try:
            with closing(self._connection()) as connection:
                self._sign_in(connection)
                connection.send_message(email)
                with suppress(OSError):
                    connection.quit()  # whatever the server answers to that, it has the email
        except smtplib.SMTPRecipientsRefused as error:
            code, reason = error.recipients[recipient]
            _raise_permanent(code, reason, error)
            raise
        except smtplib.SMTPDataError as error:
            _raise_permanent(error.smtp_code, error.smtp_error, error)
            raise

    def check(self) -> None:
        """Connect and sign in, and send nothing.

        Raises:
            OSError: the mail server is away, or does not accept that.
        """
        with closing(self._connection()) as connection:
            self._sign_in(connection)
            connection.quit()

    def _sign_in(self, connection: smtplib.SMTP) -> None:
        if self._url.username:
            connection.login(unquote(self._url.username), unquote(self._url.password or ""))

    def _compose(self, message_id: str, recipient: str, message: Message) -> EmailMessage:
        email = EmailMessage()
        email["From"], email["To"] = self._sender, recipient
        if [to.addr_spec for to in email["To"].addresses] != [recipient]:
            raise Undeliverable("reads as another address")  # RFC 2047 encoded words, which EmailMessage decodes
        email["Subject"] = message.subject.replace("=?", "= ?")  # here too, line breaks and all
        email["Date"] = localtime()
        email["Message-ID"] = f"<{message_id}@{parseaddr(self._sender)[1].rpartition('@')[2]}>"
        email["Auto-Submitted"] = "auto-generated"  # RFC 3834 section 5
        email.set_content(message.text)
        email.add_alternative(message.html, subtype="html")
        return email

    def _connection(self) -> smtplib.SMTP:
        host, context = self._url.hostname or "", ssl.create_default_context()
        if self._url.scheme == "smtps":
            port = self._url.port or _SUBMISSIONS_PORT
            return _TlsConnection(host, port, timeout=TIMEOUT_SECONDS, context=context)
        connection = _Connection(host, self._url.port or _SUBMISSION_PORT, timeout=TIMEOUT_SECONDS)
        try:
            connection.ehlo()
            if connection.has_extn("starttls") or not _is_loopback(host):
                connection.starttls(context=context)  # raises where the server offers none
        except Exception:
            connection.close()
            raise
        return connection


def mailer_of(settings: Settings) -> Mailer | None:
    """The mailer that MAIL_URL names. None without one: emails wait in the outbox."""
    scheme, _, folder = settings.mail_url.partition(":")
    console = ConsoleMailer(Path(folder) if folder else None)
    mailers: dict[str, Mailer | None] = {"": None, "console": console, "memory": MemoryMailer()}
    return mailers[scheme] if scheme in mailers else SmtpMailer(settings.mail_url, settings.mail_from)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _raise_permanent(code: int, reason: bytes | str, error: Exception) -> None:
    if code in _PERMANENT and code not in _NOT_SIGNED_IN:
        text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else reason
        raise Undeliverable(f"{code} {text}") from error
