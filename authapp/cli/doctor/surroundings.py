"""The checks of `doctor` of what authapp is surrounded by: settings, clients, mail server, Redis, providers."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import SplitResult, urlsplit

from redis import RedisError

from authapp.cli.doctor.findings import Finding, ok, warning, wrong
from authapp.config import Settings
from authapp.config_checks import problems
from authapp.db.counters import Redis
from authapp.mail.transports import SmtpMailer
from authapp.web.application import current_app

SECONDS_TO_ANSWER = 5
_LONGEST_ANSWER = 1024


def settings(settings: Settings) -> Finding:
    found = problems(settings)
    return wrong(" ".join(found)) if found else ok(settings.app_env)


def public_url(settings: Settings) -> Finding:
    url = urlsplit(settings.public_url)
    if settings.in_production and url.scheme != "https":
        return wrong(f"PUBLIC_URL is {settings.public_url}. Tokens need https: serve it, and change PUBLIC_URL.")
    address = f"{settings.public_url}/healthz"
    try:
        is_authapp = _answers(url)
    except (OSError, HTTPException) as error:
        return warning(f"{address} is not reachable from here ({error}). Ask it from where clients are.")
    if not is_authapp:
        return wrong(f"{address} does not answer as authapp does. Check PUBLIC_URL, the proxy, and that web runs.")
    return ok(f"{address} answers")


def _answers(url: SplitResult) -> bool:
    connect = HTTPSConnection if url.scheme == "https" else HTTPConnection
    connection = connect(url.hostname or "", url.port, timeout=SECONDS_TO_ANSWER)
    try:
        connection.request("GET", "/healthz")
        response = connection.getresponse()
        return response.status == 200 and json.loads(response.read(_LONGEST_ANSWER)) == {"status": "ok"}
    except ValueError:
        return False
    finally:
        connection.close()


def mail(settings: Settings) -> Finding:
    mailer = current_app.mailer
    if mailer is None:
        return warning("MAIL_URL is not set: emails wait. Give a mail server: smtp://user:password@host:587")
    if not isinstance(mailer, SmtpMailer):
        return ok(_without_server(settings.mail_url))
    try:
        mailer.check()
    except OSError as error:  # smtplib's are OSErrors
        return wrong(f"The mail server does not take emails: {error}. Check MAIL_URL.")
    return ok("the mail server accepts the sign-in")


def _without_server(mail_url: str) -> str:
    kind, _, folder = mail_url.partition(":")
    if kind != "console":
        return "no mail server: emails are not sent"
    return f"console: emails are printed{f', and written to {folder}' if folder else ''}"


def redis(settings: Settings) -> Finding:
    if not settings.redis_url:
        return ok("not configured: each process counts rate limits for itself")
    try:
        Redis(settings.redis_url, SECONDS_TO_ANSWER).ask("PING")
    except RedisError as error:
        return wrong(f"Redis does not answer: {error}. Each process counts for itself until it does. Check REDIS_URL.")
    return ok("answers")


def providers(settings: Settings) -> Finding:
    return ok(", ".join(current_app.providers) or "none is configured")
