"""Emails: posted with the act they tell of, sealed while they wait, and sent once, over TLS or not at all."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from functools import partial
from pathlib import Path
from threading import Event, Timer
from time import monotonic, sleep
from typing import Any
from urllib.parse import quote

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from markupsafe import escape
from sqlalchemy import text

from authapp.core import clock
from authapp.core.clock import FrozenClock
from authapp.core.email import Mailer, Message, Undeliverable
from authapp.core.errors import Conflict
from authapp.db import transaction
from authapp.decorators.guards import public
from authapp.instance import ROOT
from authapp.jobs import emails
from authapp.jobs.registry import JOBS
from authapp.jobs.runner import repeat
from authapp.mail import leases, outbox, sending, transports
from authapp.mail.transports import MemoryMailer, SmtpMailer, mailer_of
from authapp.web.application import Application
from authapp.web.blueprint import Blueprint
from tests.architecture.test_secrets import dump_of
from tests.factories import API, UNKNOWN_ID, AppWith, World, all_at_once
from tests.live import free_port, lines_of

ADA, GRACE = "ada@example.com", "grace@example.com"
SENDER = "Acmé <no-reply@mail.example>"
USER, PASSWORD = "mail@example.com", "p@ss/w:rd%#"
LOGIN = f"{quote(USER, safe='')}:{quote(PASSWORD, safe='')}"
HEADERS = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"]

EVIL_HEADER, EVIL_BODY = "=?utf-8?q?Acme=0D=0ABcc=3A_eve=40example=2Ecom?=", "=?utf-8?q?Acme=0D=0A=0D=0AMy_own_email?="


class Server:
    """A mail server. It takes emails from those who log in, and notes what it is told in the clear."""

    def __init__(self, answers: dict[str, str]) -> None:
        self.answers, self.in_clear, self.taken = answers, b"", list[Envelope]()

    def emails(self) -> list[Any]:
        """What arrived, after nothing but the wish for TLS was said in the clear."""
        assert {line.split()[0].upper() for line in self.in_clear.splitlines()} <= {b"EHLO", b"STARTTLS"}
        return [message_from_bytes(envelope.original_content or b"", policy=policy.default) for envelope in self.taken]

    async def handle_RCPT(self, _: SMTP, session: Session, envelope: Envelope, to: str, options: list[str]) -> str:  # noqa: N802
        envelope.rcpt_tos.append(to)
        return self.answers.get("RCPT", "250 OK") if session.authenticated else "530 Log in first"

    async def handle_DATA(self, _: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.taken.append(envelope)
        await asyncio.sleep(float(self.answers.get("SLEEP", "0")))
        return self.answers.get("DATA", "250 OK")

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.answers.get("QUIT") == "" and server.transport:
            server.transport.close()
        return self.answers.get("QUIT", "221 Bye")


class Listener(SMTP):
    def data_received(self, data: bytes) -> None:
        if self.transport and not self.transport.get_extra_info("ssl_object"):
            self.event_handler.in_clear += data
        super().data_received(data)


class Port(Controller):
    def factory(self) -> SMTP:
        return Listener(self.handler, **self.SMTP_kwargs)


Connected = Callable[..., tuple[Server, Application]]


@pytest.fixture
def connected(app_with: AppWith, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connected]:
    """Start a mail server that speaks `smtp`, `smtps`, or `clear` without any TLS, and an application that knows it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    ways: dict[str, dict[str, Any]] = {
        "smtp": {"tls_context": tls},
        "smtps": {"ssl_context": tls, "auth_require_tls": False},
        "clear": {"auth_require_tls": False},
    }

    def is_known(mechanism: str, user: bytes, password: bytes) -> bool:
        return (user.decode(), password.decode()) == (USER, PASSWORD)

    def start(way: str, login: str = LOGIN, host: str = "localhost", **answers: str) -> tuple[Server, Application]:
        port = Port(Server(answers), "127.0.0.1", free_port(), auth_callback=is_known, **ways[way])
        port.start()
        running.callback(port.stop)
        url = f"{way.replace('clear', 'smtp')}://{login}@{host}:{port.port}"
        return port.handler, app_with(mail_url=url, mail_from=SENDER)

    with ExitStack() as running:
        yield start


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for localhost that nobody else has signed."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    pem, pkcs8, bare = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path = tmp_path_factory.mktemp("mail") / "localhost.pem"
    path.write_bytes(key.private_bytes(pem, pkcs8, bare) + builder.sign(key, hashes.SHA256()).public_bytes(pem))
    return path


def invite(world: World, organization: str = "Acme") -> None:
    admin = world.person(organization)
    body = {"email": GRACE, "role": "viewer"}
    assert admin.call("POST", f"/organizations/{admin.organization_id}/invitations", body).status_code == 201


def context() -> dict[str, Any]:
    """What the template of an invitation needs."""
    texts = dict.fromkeys(("organization", "inviter", "role", "email", "link", "token"), "x")
    return {**texts, "expires_at": clock.now()}


def post(world: World, *recipients: str) -> None:
    with world.app.app_context():
        for recipient in recipients:
            outbox.enqueue(recipient, "invitation", **context())
        transaction.commit()


def deliver(app: Application, by: Mailer | None = None) -> int:
    with app.app_context():
        mailer = by or app.mailer
        assert mailer is not None
        return sending.send_due(mailer)


def attempt(world: World, app: Application, by: Mailer | None = None, to: str = GRACE) -> Any:
    """Try to deliver one email, and give what the outbox says of it."""
    post(world, to)
    assert deliver(app, by) == 1
    [email] = outbox_rows(world)
    return email


def outbox_rows(world: World) -> list[Any]:
    state = "CASE WHEN due_at IS NOT NULL THEN 'waiting' WHEN sent_at IS NOT NULL THEN 'sent' ELSE 'dead' END AS state"
    return world.sql(f"SELECT *, {state} FROM outbox ORDER BY id")


class Telling(MemoryMailer):
    """A mailer that does this when it has an email in its hands."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__()
        self.act = act

    def send(self, message_id: str, recipient: str, message: Message) -> None:
        super().send(message_id, recipient, message)
        self.act()


def raising(error: BaseException) -> Telling:
    def act() -> None:
        raise error

    return Telling(act)


def test_an_email_waits_sealed_and_its_text_is_erased_once_it_is_sent(world: World, socket_folder: str) -> None:
    invite(world)
    dump, [waiting] = dump_of(world, socket_folder), outbox_rows(world)
    token = world.token_for(GRACE)
    assert waiting.recipient in dump
    assert token.encode() not in bytes(waiting.encrypted_body)
    assert token not in dump
    assert token.encode().hex() not in dump
    [sent] = outbox_rows(world)
    assert (waiting.state, sent.state, sent.encrypted_body) == ("waiting", "sent", None)


@pytest.mark.parametrize(("status", "emails"), [(204, 1), (409, 0)])
def test_an_email_is_enqueued_only_if_its_request_commits(
    world: World, app_with: AppWith, status: int, emails: int
) -> None:
    bp = Blueprint("acts", __name__, url_prefix="/acts")

    @bp.route("", methods=["POST"])
    @public
    @bp.response(204)
    def act() -> Any:
        """Tell somebody."""
        outbox.enqueue(GRACE, "invitation", **context())
        if status == 409:
            raise Conflict

    assert app_with([bp]).test_client().post(f"{API}/acts").status_code == status
    assert len(outbox_rows(world)) == emails


@pytest.mark.parametrize(
    ("meddling", "changed"),
    [
        ("UPDATE outbox o SET encrypted_body = other.encrypted_body FROM outbox other WHERE other.id <> o.id", {}),
        ("UPDATE outbox SET encrypted_body = set_byte(encrypted_body, 40, get_byte(encrypted_body, 40) # 1)", {}),
        ("SELECT", {"secret_key": "another-secret-that-is-long-enough-too"}),
    ],
)
def test_an_email_that_cannot_be_opened_is_dead(
    world: World, app_with: AppWith, meddling: str, changed: dict[str, str]
) -> None:
    post(world, ADA, GRACE)
    world.sql(meddling)
    assert deliver(app_with(**changed), mailer := MemoryMailer()) == 2
    assert mailer.sent == []
    reason = "encrypted with another SECRET_KEY, or altered"
    assert [(email.state, email.last_error) for email in outbox_rows(world)] == [("dead", reason)] * 2


@pytest.mark.parametrize("way", ["smtp", "smtps"])
def test_an_email_arrives_over_tls_from_who_logs_in(world: World, connected: Connected, way: str) -> None:
    server, app = connected(way)
    invite(world)
    assert deliver(app) == 1
    [sent], [email], [envelope] = outbox_rows(world), server.emails(), server.taken
    assert sent.state == "sent"
    assert (envelope.mail_from, envelope.rcpt_tos) == ("no-reply@mail.example", [GRACE])
    assert (email["From"], email["To"], email["Subject"]) == (SENDER, GRACE, "You are invited to Acme")
    assert (email["Message-ID"], email["Auto-Submitted"]) == (f"<{sent.id}@mail.example>", "auto-generated")
    plain, html = email.iter_parts()
    assert (plain.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    [token] = re.findall(r"/invitation#token=(et_\S+)", plain.get_content())
    assert f'/invitation#token={token}"' in html.get_content()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<script>alert('Acme')</script>", "script alert('Acme') script"),
        ("\"Söhne\" & 'Co', \\ &lt;script&gt;", "\"Söhne\" & 'Co', \\ &lt;script&gt;"),
        ("株式会社" * 50, "株式会社" * 20),
        ("Ab" * 100, "Ab" * 40),
        (EVIL_HEADER, EVIL_HEADER),
        (EVIL_BODY, EVIL_BODY),
    ],
)
def test_the_name_of_an_organization_stays_a_name(world: World, connected: Connected, name: str, shown: str) -> None:
    server, app = connected("smtp")
    invite(world, name)
    deliver(app)
    [email] = server.emails()
    assert email.keys() == HEADERS
    assert email["Subject"].replace("= ?", "=?") == f"You are invited to {shown}"
    plain, html = (part.get_content() for part in email.iter_parts())
    assert f'"{shown}"' in plain
    assert f"&#34;{escape(shown)}&#34;" in html


def test_an_address_that_reads_as_another_gets_no_email(world: World, connected: Connected) -> None:
    server, app = connected("smtp")
    assert attempt(world, app, to="=?utf-8?q?grace?=@example.com").state == "dead"
    assert server.emails() == []


@pytest.mark.parametrize(
    ("way", "how", "reason"),
    [
        ("clear", {"host": "0.0.0.0"}, "STARTTLS extension not supported"),  # this host by a name that does not say so
        ("smtp", {"host": "127.0.0.1"}, "IP address mismatch"),
        ("smtps", {"host": "127.0.0.1"}, "IP address mismatch"),
        ("smtp", {"login": "eve:guess"}, "535"),
    ],
)
def test_an_email_waits_where_the_server_is_not_safe_or_does_not_accept_the_login(
    world: World, connected: Connected, way: str, how: dict[str, str], reason: str
) -> None:
    server, app = connected(way, **how)
    email = attempt(world, app)
    assert (email.state, reason in email.last_error) == ("waiting", True)
    assert server.emails() == []


@pytest.mark.parametrize(("login", "is_accepted"), [(LOGIN, True), ("eve:guess", False)])
def test_the_sign_in_at_a_mail_server_is_checked_without_an_email(
    connected: Connected, login: str, is_accepted: bool
) -> None:
    server, app = connected("smtp", login=login)
    mailer = app.mailer
    assert isinstance(mailer, SmtpMailer)
    with nullcontext() if is_accepted else pytest.raises(OSError, match="535"):
        mailer.check()
    assert server.emails() == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_an_email_goes_unencrypted_to_a_server_on_this_host_only(world: World, connected: Connected, host: str) -> None:
    server, app = connected("clear", host=host)
    assert attempt(world, app).state == "sent"
    assert len(server.taken) == 1


@pytest.mark.parametrize("way", ["smtp", "smtps"])
def test_a_server_with_an_untrusted_certificate_is_sent_nothing(
    world: World, connected: Connected, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    server, app = connected(way)
    monkeypatch.delenv("SSL_CERT_FILE")
    email = attempt(world, app)
    assert (email.state, "CERTIFICATE_VERIFY_FAILED" in email.last_error) == ("waiting", True)
    assert server.emails() == []


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_server_that_hangs_is_left(
    world: World, app_with: AppWith, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setattr(transports, "TIMEOUT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        (mercy := Timer(5, silent.close)).start()
        email = attempt(world, app_with(mail_url=f"{scheme}://localhost:{silent.getsockname()[1]}"))
        mercy.cancel()
    assert (email.state, "timed out" in email.last_error) == ("waiting", True)


ERRORS = {"RCPT": "SMTPRecipientsRefused", "DATA": "SMTPDataError"}
QUOTED = "Refused: http://localhost/invitation#token=inv_secret"


@pytest.mark.parametrize("command", ERRORS)
def test_an_email_that_the_server_refuses_for_good_is_dead_at_once_and_what_it_quotes_is_not_stored(
    world: World, connected: Connected, command: str
) -> None:
    _, app = connected("smtp", **{command: f"550 {QUOTED}"})
    email = attempt(world, app)
    assert (email.state, email.last_error, email.attempts) == ("dead", f"{ERRORS[command]} 550", 1)


def test_an_error_of_the_sender_leaves_the_email_waiting(world: World, connected: Connected) -> None:
    _, app = connected("smtp", RCPT="530 Log in first")
    assert attempt(world, app).state == "waiting"


def test_an_email_that_ends_its_worker_every_time_is_given_up(world: World) -> None:
    post(world, GRACE)
    world.sql("UPDATE outbox SET attempts = :taken", taken=len(sending.WAITS) + 1)
    assert deliver(world.app) == 1
    [email] = outbox_rows(world)
    assert (email.state, email.last_error) == ("dead", "every attempt has ended with its worker")


@pytest.mark.parametrize("command", ["RCPT", "DATA"])
def test_an_email_that_the_server_may_accept_later_is_tried_six_times(
    world: World, connected: Connected, time: FrozenClock, command: str
) -> None:
    server, app = connected("smtp", **{command: f"451 {QUOTED}"})
    post(world, GRACE)
    for seconds in (30, 120, 600, 3600, 21600):
        assert deliver(app) == 1
        time.advance(seconds=seconds - 1)
        assert deliver(app) == 0
        time.advance(seconds=1)
    assert deliver(app) == 1
    [email] = outbox_rows(world)
    assert (email.state, email.attempts, email.last_error) == ("dead", 6, f"{ERRORS[command]} 451")
    assert len({email["Message-ID"] for email in server.emails()}) == (command == "DATA")


def test_an_email_that_was_put_off_arrives_in_the_end(world: World, time: FrozenClock) -> None:
    assert attempt(world, world.app, raising(TimeoutError())).state == "waiting"
    assert world.emails() == []
    time.advance(seconds=30)
    assert len(world.emails()) == 1
    assert [(email.state, email.last_error) for email in outbox_rows(world)] == [("sent", None)]


@pytest.mark.parametrize("answer_to_quit", ["", "421 Closing"])
def test_an_email_counts_as_sent_whatever_the_server_answers_to_quit(
    world: World, connected: Connected, answer_to_quit: str
) -> None:
    server, app = connected("smtp", QUIT=answer_to_quit)
    assert attempt(world, app).state == "sent"
    assert len(server.emails()) == 1


@pytest.mark.parametrize("error", [ValueError("No such address"), Undeliverable("550 \x00")])
def test_an_error_with_one_email_does_not_stop_the_next_one(world: World, error: Exception) -> None:
    post(world, ADA, GRACE)
    assert deliver(world.app, raising(error)) == 2


def test_workers_at_the_same_time_send_each_email_once(world: World) -> None:
    recipients = [f"person{number}@example.com" for number in range(40)]
    post(world, *recipients)
    mailer = Telling(lambda: sleep(0.005))
    tried = all_at_once([partial(deliver, world.app, mailer)] * 4)
    assert (sum(tried), min(tried) > 0) == (40, True)
    assert Counter(recipient for recipient, _ in mailer.sent) == Counter(recipients)


def test_an_email_leased_by_one_worker_does_not_delay_the_others(world: World, app_with: AppWith) -> None:
    post(world, ADA, GRACE)
    impatient = app_with(database_url=f"{world.app.settings.database_url}&options=-c%20lock_timeout%3D2s")
    with world.superuser.begin() as other_worker:
        other_worker.execute(text("SELECT FROM outbox ORDER BY due_at LIMIT 1 FOR UPDATE"))
        assert deliver(impatient) == 1


def test_an_email_whose_worker_died_comes_up_again(world: World, time: FrozenClock) -> None:
    post(world, GRACE)
    with pytest.raises(KeyboardInterrupt):
        deliver(world.app, raising(KeyboardInterrupt()))
    time.advance(seconds=19)
    assert deliver(world.app) == 0
    time.advance(seconds=1)
    assert deliver(world.app) == 1


def test_an_email_stays_with_its_worker_for_as_long_as_the_mail_server_takes(
    world: World, time: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "RENEWED_EVERY", 0.01)

    def take_minutes() -> None:
        for _ in range(6):
            time.advance(seconds=15)
            deadline = monotonic() + 10
            while outbox_rows(world)[0].due_at < time.now() + leases.LEASE:
                assert monotonic() < deadline
                sleep(0.005)
            assert deliver(world.app) == 0  # another worker

    post(world, GRACE)
    assert deliver(world.app, Telling(take_minutes)) == 1
    time.advance(minutes=1)
    assert deliver(world.app) == 0
    assert [(email.state, email.attempts) for email in outbox_rows(world)] == [("sent", 1)]


def test_a_lease_that_another_worker_has_by_now_is_not_renewed(
    world: World, time: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "RENEWED_EVERY", 0.01)
    due_at = time.now() + timedelta(hours=1)

    def lose_it() -> None:
        world.sql("UPDATE outbox SET attempts = attempts + 1, due_at = :due_at", due_at=due_at)
        sleep(0.1)
        assert [email.due_at for email in outbox_rows(world)] == [due_at]

    post(world, GRACE)
    deliver(world.app, Telling(lose_it))
    assert [email.state for email in outbox_rows(world)] == ["waiting"]


def test_an_email_is_sent_once_by_a_server_that_takes_long_to_accept_it(
    world: World, connected: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transports, "TIMEOUT_SECONDS", 0.5)
    server, app = connected("smtp", SLEEP="1")
    assert attempt(world, app).state == "sent"
    assert len(server.emails()) == 1


def test_a_worker_that_comes_back_too_late_changes_nothing(world: World, time: FrozenClock) -> None:
    def take_too_long() -> None:
        time.advance(minutes=5)
        assert len(world.emails()) == 1  # another worker
        raise TimeoutError

    post(world, GRACE)
    deliver(world.app, Telling(take_too_long))
    assert [(email.state, email.attempts) for email in outbox_rows(world)] == [("sent", 2)]


def test_a_worker_that_is_told_to_stop_leaves_the_rest(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = Event()
    post(world, ADA, GRACE)
    monkeypatch.setattr(world.app, "mailer", Telling(stopped.set))
    repeat(JOBS[0], stopped, world.app)
    assert [email.state for email in outbox_rows(world)] == ["sent", "waiting"]


def test_an_operator_sees_dead_emails_and_revives_them(world: World) -> None:
    email = attempt(world, world.app, raising(Undeliverable("550 No such user")))
    operator = world.app.test_cli_runner()
    said = operator.invoke(args=["outbox", "list", "--dead"]).output
    assert said == f"{email.id}  {email.dead_at:%Y-%m-%d %H:%M} UTC  invitation to {GRACE}: 550 No such user\n"
    assert operator.invoke(args=["outbox", "retry", str(email.id)]).output == "It is due now.\n"
    none = operator.invoke(args=["outbox", "list", "--dead"])
    assert (none.exit_code, none.output) == (0, "No email was given up.\n")
    assert len(world.emails()) == 1
    assert [(email.state, email.attempts) for email in outbox_rows(world)] == [("sent", 1)]


def test_only_a_dead_email_is_revived(world: World) -> None:
    post(world, GRACE)
    for message_id in (UNKNOWN_ID, outbox_rows(world)[0].id):
        said = world.app.test_cli_runner().invoke(args=["outbox", "retry", str(message_id)])
        assert said.exit_code == 1
        assert said.output == f"Error: No email with the id {message_id} was given up. List them: outbox list --dead\n"


def test_an_email_that_waits_for_want_of_a_mail_url_is_a_warning_in_the_log(
    app_with: AppWith, capfd: pytest.CaptureFixture[str]
) -> None:
    with app_with(mail_url="").app_context():
        outbox.enqueue(GRACE, "invitation", **context())
        transaction.rollback()
    [line] = [json.loads(line) for line in capfd.readouterr().out.splitlines() if "email.waits" in line]
    assert (line["level"], line["kind"], line["reason"]) == ("warning", "invitation", "MAIL_URL is not set")


def test_without_a_mail_server_emails_wait(world: World, app_with: AppWith) -> None:
    post(world, GRACE)
    with app_with(mail_url="").app_context():
        emails.send(Event())
    assert [email.state for email in outbox_rows(world)] == ["waiting"]


def test_the_console_mailer_writes_each_email_to_a_file_of_its_folder(
    world: World, time: FrozenClock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "instance" / "emails"
    mailer = mailer_of(replace(world.app.settings, mail_url=f"console:{folder}"))
    assert mailer
    recipients = ["ada@example.com", f"../{'a' * 250}@example.com"]
    for recipient in recipients:
        mailer.send("id", recipient, Message("Subject", "Token", "<p>Token</p>"))
        time.advance(seconds=1)
    ada, long = sorted(folder.iterdir())
    assert re.fullmatch(r"[\d-]{10}T[\d-]{8}\.\d{6}_ada@example\.com\.txt", ada.name)
    assert ada.read_text() == "To: ada@example.com\nSubject: Subject\n\nToken"
    assert recipients[1] in long.read_text()
    assert (folder.stat().st_mode & 0o777, ada.stat().st_mode & 0o777) == (0o700, 0o600)
    assert ada.read_text() in capsys.readouterr().out


def test_the_console_mailer_without_a_folder_only_prints(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    mailer = mailer_of(replace(world.app.settings, mail_url="console:"))
    assert mailer
    mailer.send("id", "ada@example.com", Message("Subject", "Token", "<p>Token</p>"))
    assert "Token" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_a_worker_waits_for_the_database_prints_the_email_and_ends_on_sigterm(world: World, socket_folder: str) -> None:
    invite(world)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as said:
        environment = {
            "APP_ENV": "testing",
            "MAIL_URL": "console:",
            "SECRET_KEY": world.app.settings.secret_key,
            "DATABASE_URL": world.app.settings.database_url.replace(socket_folder, folder),
        }
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "worker"]
        worker = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, stdout=said, stderr=said)

        def wait_for(words: str) -> None:
            deadline = monotonic() + 20
            while words not in lines_of(said):
                assert worker.poll() is None, lines_of(said)
                assert monotonic() < deadline, lines_of(said)
                sleep(0.05)

        try:
            wait_for("job.failed")
            (Path(folder) / ".s.PGSQL.5432").symlink_to(Path(socket_folder) / ".s.PGSQL.5432")
            wait_for("/invitation#token=et_")
            worker.terminate()
            assert worker.wait(timeout=5) == 0
        finally:
            worker.kill()
            worker.wait()
    assert [email.state for email in outbox_rows(world)] == ["sent"]
