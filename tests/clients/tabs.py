"""Tabs of one browser, each with a client, and what a test does with them."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg2
from playwright.sync_api import Browser, BrowserContext, Page

from authapp.instance import ROOT
from tests.browser.conftest import Site, serving_pages
from tests.clients.network import REFRESH, Files, Proxy, listening
from tests.factories import PASSWORD

FIGURES = logging.getLogger(__name__)  # pytest --log-cli-level=INFO shows them
TAB = Path(__file__).parent / "tab.html"
HOUR = 3600
SIGNED_IN, SIGNED_OUT = "signed_in", "signed_out"


@dataclass
class Place:
    """authapp behind a proxy, and the servers of two origins, of which `CORS_ORIGINS` has the first."""

    site: Site
    proxy: Proxy
    files: Files
    stranger: Files

    def address(self, files: Files | None = None, **options: Any) -> str:
        """Of the page whose client has these options."""
        return f"{(files or self.files).origin}/?{quote(json.dumps({'url': self.proxy.url, **options}))}"

    def select(self, statement: str, *values: Any) -> Any:
        """The one value that a statement finds."""
        folder, database = self.site.socket_folder, self.site.database
        with (
            closing(psycopg2.connect(host=folder, user="postgres", dbname=database)) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement, values)
            [[value]] = cursor.fetchall()
        return value


@contextmanager
def placed(packages: Path, socket_folder: str, database: str, **settings: str) -> Iterator[Place]:
    """Serve all that with these settings of authapp."""
    files, stranger = (Files(TAB, packages / "js" / "dist") for _ in range(2))
    with ExitStack() as stack:
        for server in (files, stranger):
            stack.enter_context(listening(server))
        served = serving_pages(socket_folder, database, ROOT, CORS_ORIGINS=files.origin, **settings)
        site = stack.enter_context(served)
        proxy = Proxy(site.port)
        stack.enter_context(listening(proxy))
        yield Place(site, proxy, files, stranger)


@dataclass
class Tabs:
    """The tabs of one browser, and the account that signs in there."""

    place: Place
    context: BrowserContext
    options: dict[str, Any] = field(default_factory=dict)
    pages: list[Page] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    email: str = ""

    def __post_init__(self) -> None:
        self.become_another_account()

    def become_another_account(self) -> None:
        """Register an account, for the next sign-in."""
        self.email = self.place.site.new_email()
        self.place.site.register(email=self.email)

    def open(self, number: int = 1, **options: Any) -> list[Page]:
        """Open further tabs. Their clients have started, or say what prevents it."""
        return [self.open_one(self.place.address(**{**self.options, **options})) for _ in range(number)]

    def open_one(self, address: str) -> Page:
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(address)
        page.evaluate("started")
        self.pages.append(page)
        return page

    def close(self, page: Page) -> None:
        self.pages.remove(page)
        page.close()

    def sign_in(self, page: Page) -> str:
        """Sign in there: the status, or the code of the error."""
        credentials = {"email": self.email, "password": PASSWORD}
        answer: str = page.evaluate("(c) => outcome(client.signIn(c).then((state) => state.status))", credentials)
        return answer

    def signed_in(self, number: int = 1) -> list[Page]:
        """Open so many tabs, and sign in in the first of them."""
        opened = self.open(number)
        assert self.sign_in(opened[0]) == SIGNED_IN
        self.wait_for(SIGNED_IN)
        return opened

    def wait_for(self, status: str) -> None:
        for page in self.pages:
            wait_for(page, status)

    def everywhere(self, name: str, argument: Any = None) -> list[list[Any]]:
        """Let all tabs do something at once: what each answers, and its status after that."""
        arguments = [len(self.pages) - 1, name, argument]
        answers: list[list[Any]] = self.pages[0].evaluate("(a) => everywhere(...a)", arguments)
        return answers

    def expire(self) -> None:
        """Let an hour pass, in the tabs and for the session in the database."""
        self.everywhere("later", HOUR)
        self.expire_in_database()

    def expire_in_database(self, seconds: int = HOUR) -> None:
        """Let time pass for the session in the database."""
        self.place.site.execute(
            "UPDATE sessions SET last_used_at = last_used_at - make_interval(secs => %s) "
            "WHERE user_id = (SELECT id FROM users WHERE email = %s)",
            seconds,
            self.email,
        )

    def counts(self) -> tuple[int, int]:
        """Sign-outs and reuse events."""
        return self.sign_outs(), self.reuse_events()

    def reuse_events(self) -> int:
        """How many sessions of this account ended because of a spent refresh token."""
        count: int = self.place.select(
            "SELECT count(*) FROM audit_events WHERE action = 'session.refresh.reused' "
            "AND user_id = (SELECT id FROM users WHERE email = %s)",
            self.email,
        )
        return count

    def sign_outs(self) -> int:
        """How often the tabs that are open went from signed in to signed out."""
        count = "changes.filter(([status], i) => status === 'signed_out' && changes[i - 1]?.[0] === 'signed_in').length"
        return sum(page.evaluate(count) for page in self.pages)


def wait_for(page: Page, status: str) -> None:
    page.wait_for_function("(status) => client.state.status === status", arg=status, timeout=15_000)


def use(page: Page) -> Any:
    """The email that authapp answers to this tab's access token, or the code of the error."""
    return page.evaluate("use()")


@contextmanager
def frozen(page: Page, other: Page) -> Iterator[None]:
    """Let no script of this tab run meanwhile: no timer, no message, no answer.

    The debugger does it: `Page.setWebLifecycleState` freezes hidden tabs alone, and headless Chromium hides none.
    """
    paused = threading.Event()
    debugger = page.context.new_cdp_session(page)
    debugger.on("Debugger.paused", lambda _: paused.set())
    page.evaluate("setInterval(() => {}, 10)")  # a statement to pause at
    debugger.send("Debugger.enable")
    debugger.send("Debugger.pause")
    while not paused.is_set():
        other.wait_for_timeout(10)
    yield
    debugger.send("Debugger.disable")


@contextmanager
def tabs_of(place: Place, chromium: Browser, **options: Any) -> Iterator[Tabs]:
    """A browser without cookies. At the end, no script has failed."""
    context = chromium.new_context(locale="en-US")
    tabs = Tabs(place, context, options)
    before = len(place.proxy.seen)
    try:
        yield tabs
    finally:
        context.close()
    FIGURES.info("%s refreshes", place.proxy.statuses(REFRESH, before).count(200))
    assert tabs.errors == []
