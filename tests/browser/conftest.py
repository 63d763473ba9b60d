"""The hosted pages in a real browser: one Chromium and one server for all tests of this folder."""

from __future__ import annotations

import itertools
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from authapp.dev.postgres import create_database
from authapp.instance import ROOT
from tests.browser.account import Account, open_account
from tests.browser.authenticator import Authenticator, authenticator_of
from tests.factories import PASSWORD
from tests.live import EMAILS, ask, running

CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which(
    "chromium"
)  # the former starts pages in a fifth of the time
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SMALLEST_TARGET = 24  # CSS pixels, WCAG 2.2 section 2.5.8
TARGETS = """[...document.querySelectorAll("a, button, input, summary")].filter((e) => e.checkVisibility())
    .filter((e) => !e.classList.contains("skip")).map((e) => [e.outerHTML, e.getBoundingClientRect()])
    .filter(([, box]) => box.width < %d || box.height < %d).map(([html]) => html)"""
EXPECTED = re.compile(
    r"the server responded with a status of (4\d\d|502|503)"
)  # Chromium says so of each error of the API
NewPage = Callable[..., Page]
expect.set_options(timeout=20_000)


@dataclass
class Site:
    """A server, and what a test needs beside its pages."""

    port: int
    socket_folder: str
    database: str
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def new_email(self) -> str:
        return f"person{next(self._numbers)}@example.com"

    def call(self, method: str, path: str, body: Any = None, token: str = "") -> Any:
        """Call the API as a program does."""
        status, answer = ask(self.port, method, f"/api/v1{path}", body, token)
        assert status < 400, answer
        return answer

    def execute(self, statement: str, *values: Any) -> None:
        """Change the database, where a test cannot wait."""
        connection = psycopg2.connect(host=self.socket_folder, user="postgres", dbname=self.database)
        with connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
        connection.close()

    def register(self, **body: Any) -> dict[str, Any]:
        account = {"email": self.new_email(), "password": PASSWORD, **body}
        session: dict[str, Any] = self.call("POST", "/auth/register", account)
        return session

    def invite(self, email: str, organization: str = "Acme Research", role: str = "developer") -> str:
        """The token of an invitation."""
        admin = self.register(organization_name=organization, first_name="Ada", last_name="Lovelace")
        path = f"/organizations/{admin['organization']['id']}/invitations"
        self.call("POST", path, {"email": email, "role": role}, admin["access_token"])
        return self.link_for(email).partition("#token=")[2]

    def link_for(self, email: str, page: str = "invitation", other_than: str = "") -> str:
        """The link to a page in the last email to somebody that has one: another one than that, where it is to come."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            for path in sorted(EMAILS[self.port].iterdir(), reverse=True):
                text = path.read_text()
                links = [link for link in re.findall(rf"http\S+/{page}#token=\S+", text) if link != other_than]
                if f"To: {email}" in text and links:
                    return str(links[0])
            time.sleep(0.1)
        raise AssertionError(f"no email to {email} with a link to {page}")


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    with launched_chromium() as browser:
        yield browser


@contextmanager
def launched_chromium() -> Iterator[Browser]:
    """Chromium until the end of the block. A test that needs it skips where there is none."""
    if not CHROMIUM:
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def site(socket_folder: str, worker_id: str) -> Iterator[Site]:
    with serving_pages(socket_folder, f"pages_{worker_id}") as served:
        yield served


@contextmanager
def serving_pages(socket_folder: str, database: str, folder: Path = ROOT, **changes: str) -> Iterator[Site]:
    """A server of the `wsgi.py` of a folder. Its settings are those of development, with these changed."""
    create_database(socket_folder, database)
    settings = {
        "DATABASE_URL": f"postgresql://authapp@/{database}?host={socket_folder}",
        "SECRET_KEY": "a-secret-for-tests-that-is-long-enough",
        "BCRYPT_ROUNDS": "4",
        "RATE_LIMITS": "off",
        "WEB_CONCURRENCY": "1",
        "OPERATOR_NAME": "Acme Cloud",
    }
    with running(folder, **settings, **changes) as (_, port):
        yield Site(port, socket_folder, database)


@pytest.fixture
def new_page(chromium: Browser, site: Site) -> Iterator[NewPage]:
    """Open a page in a browser without cookies. At the end, no script failed and the policy stopped nothing."""
    contexts, said = [], []

    def open_page(path: str = "/sign-in", **options: Any) -> Page:
        context = chromium.new_context(base_url=site.url, **{"locale": "en-US", "reduced_motion": "reduce", **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [line for line in said if not EXPECTED.search(line)] == []


@pytest.fixture
def page(new_page: NewPage) -> Page:
    return new_page()


@pytest.fixture
def account(new_page: NewPage, site: Site) -> Account:
    """Somebody who is signed in, at the account page."""
    return open_account(new_page, site)


@pytest.fixture
def device(account: Account) -> Authenticator:
    """The authenticator of that person."""
    return authenticator_of(account.page)


def submit(page: Page, button: str, **fields: str) -> None:
    """Fill in fields by their labels and press a button."""
    for label, value in fields.items():
        page.get_by_label(label.replace("_", " "), exact=True).locator("visible=true").fill(value)
    page.get_by_role("button", name=button, exact=True).locator("visible=true").click()


def violations(page: Page, *rules: str) -> list[str]:
    """What axe-core finds, as lines. Default: by all rules of WCAG and of best practice."""
    run_only = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": WCAG}
    found = Axe().run(page, options={"runOnly": run_only}).response["violations"]
    return [f"{one['id']}: {node['html']} {node['failureSummary']}" for one in found for node in one["nodes"]]


def overflows(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def require_accessible(page: Page) -> None:
    """What is shown violates no rule of WCAG in light and dark, fits its window, and is large enough to press."""
    page.emulate_media(color_scheme="light")
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert violations(page, "color-contrast") == []
    assert not overflows(page)
    assert page.evaluate(TARGETS % (SMALLEST_TARGET, SMALLEST_TARGET)) == []
