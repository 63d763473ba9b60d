"""Letters: written from templates, and taken away by whatever MAIL_URL names."""

from __future__ import annotations

import re
import smtplib
import ssl
from contextlib import closing, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import localtime, parseaddr
from typing import Any, Protocol, cast
from urllib.parse import unquote, urlsplit

import click
from flask import Flask, current_app, render_template

from authapp.core.actor import UserRecord
from authapp.core.application import settings
from config import Settings

TIMEOUT_SECONDS = 10
_PERMANENT = range(500, 600)  # RFC 5321 section 4.2.1
_NOT_SIGNED_IN = (530, 535)  # RFC 4954 section 6: a matter of MAIL_URL, not of the letter
_LONGEST_NAME = 80  # characters
_LINKABLE = re.compile(r"[/:@<>]+|(?<=\w)\.(?=\w)")
_SUBMISSION_PORT, _SUBMISSIONS_PORT = 587, 465  # RFC 8314 section 3.3


@dataclass(frozen=True, slots=True)
class Message:
    """What a letter says."""

    subject: str
    text: str
    html: str


class Undeliverable(Exception):
    """The mail server will never take this letter."""


class Mailer(Protocol):
    """Whatever takes a letter away, or raises."""

    def send(self, message_id: str, recipient: str, message: Message) -> None: ...


class ConsoleMailer:
    """Prints letters, for development."""

    def send(self, message_id: str, recipient: str, message: Message) -> None:
        rule = "-" * 72
        click.echo(f"{rule}\nTo: {recipient}\nSubject: {message.subject}\n\n{message.text}\n{rule}")


class MemoryMailer:
    """Keeps letters, for tests."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Message]] = []

    def send(self, message_id: str, recipient: str, message: Message) -> None:
        self.sent.append((recipient, message))


class SmtpMailer:
    """Hands letters to a mail server: by STARTTLS (`smtp://`) or over TLS (`smtps://`), never in the clear."""

    def __init__(self, url: str, sender: str) -> None:
        self._url, self._sender = urlsplit(url), sender

    def send(self, message_id: str, recipient: str, message: Message) -> None:
        letter = EmailMessage()
        letter["From"], letter["To"] = self._sender, recipient
        if [to.addr_spec for to in letter["To"].addresses] != [recipient]:
            raise Undeliverable("reads as another address")  # RFC 2047 encoded words, which EmailMessage decodes
        letter["Subject"] = message.subject.replace("=?", "= ?")  # here too, line breaks and all
        letter["Date"] = localtime()
        letter["Message-ID"] = f"<{message_id}@{parseaddr(self._sender)[1].rpartition('@')[2]}>"
        letter["Auto-Submitted"] = "auto-generated"  # RFC 3834 section 5
        letter.set_content(message.text)
        letter.add_alternative(message.html, subtype="html")
        try:
            with closing(self._connection()) as connection:
                if self._url.username:
                    connection.login(unquote(self._url.username), unquote(self._url.password or ""))
                connection.send_message(letter)
                with suppress(OSError):
                    connection.quit()  # whatever the server says to that, it has the letter
        except smtplib.SMTPRecipientsRefused as error:
            code, reason = error.recipients[recipient]
            raise _sorted_out(code, reason, error) from None
        except smtplib.SMTPDataError as error:
            raise _sorted_out(error.smtp_code, error.smtp_error, error) from None

    def _connection(self) -> smtplib.SMTP:
        host, context = self._url.hostname or "", ssl.create_default_context()
        if self._url.scheme == "smtps":
            port = self._url.port or _SUBMISSIONS_PORT
            return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_SECONDS, context=context)
        connection = smtplib.SMTP(host, self._url.port or _SUBMISSION_PORT, timeout=TIMEOUT_SECONDS)
        try:
            connection.starttls(context=context)  # raises where the server offers none
        except Exception:
            connection.close()
            raise
        return connection


def _sorted_out(code: int, reason: bytes | str, error: Exception) -> Exception:
    if code not in _PERMANENT or code in _NOT_SIGNED_IN:
        return error
    text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else reason
    return Undeliverable(f"{code} {text}")


def init_mail(app: Flask, settings: Settings) -> None:
    """Bind the mailer that MAIL_URL names. Without one, letters wait in the outbox."""
    mailers: dict[str, Mailer | None] = {"": None, "console": ConsoleMailer(), "memory": MemoryMailer()}
    scheme = settings.mail_url.partition(":")[0]
    app.extensions["authapp.mailer"] = (
        mailers[scheme] if scheme in mailers else SmtpMailer(settings.mail_url, settings.mail_from)
    )


def mailer() -> Mailer | None:
    """The mailer of the application that is serving, None where MAIL_URL is not set."""
    return cast("Mailer | None", current_app.extensions["authapp.mailer"])


def write(kind: str, **context: Any) -> Message:
    """A letter of this kind, from `templates/mail/`. The first line of the text is the subject."""
    subject, _, text = render_template(f"mail/{kind}.txt", **context).partition("\n")
    return Message(subject.strip(), text.strip() + "\n", render_template(f"mail/{kind}.html", **context))


def link(page: str, token: str) -> str:
    """Where a letter leads. The token stands behind the #, which no server and no referrer ever sees."""
    if settings().frontend_url:
        return f"{settings().frontend_url}/{page}#token={token}"
    return f"{settings().public_url}/docs#token={token}"


def person(user: UserRecord) -> str:
    """How a letter names somebody: by the name that they gave themselves, and always by the address."""
    name = " ".join(filter(None, (user.first_name, user.last_name)))
    return f"{harmless(name)} ({user.email})" if name else user.email


def harmless(name: str) -> str:
    """A name as a letter shows it: short, and nothing in it that a mail program would make a link of."""
    return _LINKABLE.sub(" ", name)[:_LONGEST_NAME].strip()
