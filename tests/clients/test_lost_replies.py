"""What becomes of a session where a page or the network goes away in mid-refresh."""

from __future__ import annotations

import logging
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.clients.network import REFRESH, WAIT, Change, be_down, dropped, jitter
from tests.clients.tabs import SIGNED_IN, SIGNED_OUT, Place, Tabs, placed, tabs_of, use, wait_for

FIGURES = logging.getLogger(__name__)  # pytest --log-cli-level=INFO shows them
pytestmark = pytest.mark.xdist_group("browser")
MILLISECONDS = 50
NAVIGATIONS = int(
    os.environ.get("CLIENT_TEST_ROUNDS", "10")
)  # 200, with -o faulthandler_timeout=900, for docs/browser-mode.md
LEAVE = "([ms, to]) => { void use(); setTimeout(() => to ? location.assign(to) : location.reload(), ms); }"
SECONDS = 5  # for the browser to take an answer
OUTAGE = 30  # seconds


@pytest.fixture(scope="module")
def patient_place(packages: Path, socket_folder: str, worker_id: str) -> Iterator[Place]:
    """With a grace that is longer than the outage."""
    database = f"clients_patient_{worker_id}"
    with placed(packages, socket_folder, database, REFRESH_GRACE_SECONDS=str(2 * OUTAGE)) as place:
        yield place


def test_a_page_that_is_left_in_mid_refresh_stays_signed_in(tabs: Tabs) -> None:
    [page] = tabs.signed_in()
    before = len(tabs.place.proxy.seen)
    with tabs.place.proxy.following(jitter(MILLISECONDS)):
        for number in range(NAVIGATIONS):
            tabs.expire()
            to = tabs.place.address(visit=number) if number % 2 else None
            with page.expect_navigation():
                page.evaluate(LEAVE, [_moment(), to])
            assert page.evaluate("started") == SIGNED_IN
            tabs.place.proxy.wait_until_idle()
    refreshes = tabs.place.proxy.statuses(REFRESH, before)
    FIGURES.info("%s navigations, %s refreshes", NAVIGATIONS, len(refreshes))
    assert set(refreshes) == {200}
    assert len(refreshes) > NAVIGATIONS, "some pages were left in mid-refresh"
    assert tabs.reuse_events() == 0


def test_the_answer_to_a_page_that_was_left_for_another_site_is_kept(tabs: Tabs) -> None:
    [page] = tabs.signed_in()
    spent = tabs.context.cookies()
    tabs.expire()
    with tabs.place.proxy.holding() as hold:
        page.evaluate("void use()")
        assert hold.has_come.wait(WAIT)
        page.goto("about:blank")
        hold.released.set()
        deadline = time.monotonic() + SECONDS
        while tabs.context.cookies() == spent and time.monotonic() < deadline:
            page.wait_for_timeout(10)
    tabs.expire_in_database()
    page.goto(tabs.place.address())
    assert page.evaluate("started") == SIGNED_IN
    assert tabs.counts() == (0, 0)


def test_a_dropped_reply_is_asked_for_again_at_once(tabs: Tabs) -> None:
    [page] = tabs.signed_in()
    tabs.expire()
    before = len(tabs.place.proxy.seen)
    with tabs.place.proxy.following(Change(1, dropped)):
        assert use(page) == tabs.email
    assert tabs.place.proxy.statuses(REFRESH, before) == [200, 200]
    tabs.expire()
    assert use(page) == tabs.email
    assert tabs.counts() == (0, 0)


@pytest.mark.parametrize(
    ("grace", "status", "events"), [(10, SIGNED_OUT, 1), (60, SIGNED_IN, 0)], ids=["grace of 10 s", "grace of 60 s"]
)
def test_the_next_use_half_a_minute_after_a_lost_reply(
    request: pytest.FixtureRequest, chromium: Browser, grace: int, status: str, events: int
) -> None:
    place: Place = request.getfixturevalue("place" if grace == 10 else "patient_place")
    with tabs_of(place, chromium) as tabs:
        [page] = tabs.signed_in()
        tabs.expire()
        before = len(place.proxy.seen)
        with place.proxy.following(Change(1, dropped, then=be_down)):
            page.evaluate("window.used = use(); null")
            while not place.proxy.statuses(REFRESH, before):
                page.wait_for_timeout(10)
            tabs.context.set_offline(True)
            assert page.evaluate("used") == "network"
        assert page.evaluate("client.state.status") == SIGNED_IN
        tabs.expire_in_database(OUTAGE)
        tabs.context.set_offline(False)
        assert use(page) == (tabs.email if status == SIGNED_IN else "missing_token")
        assert page.evaluate("client.state.status") == status
        assert tabs.counts() == (events, events)


def test_an_hour_offline_signs_nobody_out(tabs: Tabs) -> None:
    tabs.signed_in(2)
    tabs.context.set_offline(True)
    tabs.expire()
    assert tabs.everywhere("use", 0) == [["network", SIGNED_IN]] * 2
    tabs.context.set_offline(False)
    assert tabs.everywhere("use", 0) == [[tabs.email, SIGNED_IN]] * 2
    assert tabs.counts() == (0, 0)


def test_a_page_that_is_opened_while_authapp_is_down_is_signed_in_when_it_is_back(tabs: Tabs) -> None:
    tabs.signed_in()
    with tabs.place.proxy.following(be_down):
        page = tabs.context.new_page()
        page.goto(tabs.place.address())
        tabs.context.set_offline(True)
        assert page.evaluate("started") == "loading"
    tabs.context.set_offline(False)  # the browser says so to the page
    wait_for(page, SIGNED_IN)
    assert use(page) == tabs.email
    assert tabs.counts() == (0, 0)


def _moment() -> float:
    return random.random() * MILLISECONDS
