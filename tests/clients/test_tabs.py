"""Tabs of one browser share a session: none signs another out."""

from __future__ import annotations

import logging
import os

import pytest
from playwright.sync_api import Browser

from tests.clients.network import REFRESH, jitter
from tests.clients.tabs import SIGNED_IN, SIGNED_OUT, Place, Tabs, frozen, tabs_of, use, wait_for

FIGURES = logging.getLogger(__name__)  # pytest --log-cli-level=INFO shows them
pytestmark = pytest.mark.xdist_group("browser")
MILLISECONDS = 50  # within which tabs wake, and by which a request or a reply is late
TABS = 8
EXPIRIES = int(
    os.environ.get("CLIENT_TEST_ROUNDS", "10")
)  # 200, with -o faulthandler_timeout=900, for docs/browser-mode.md
SECONDS = 5  # for a message to all tabs, on a busy machine


@pytest.mark.parametrize("storage", ["cookie", "local"])
def test_tabs_whose_tokens_expire_at_once_stay_signed_in(place: Place, chromium: Browser, storage: str) -> None:
    with tabs_of(place, chromium, storage=storage) as tabs:
        tabs.signed_in(TABS)
        before, answers = len(place.proxy.seen), []
        with place.proxy.following(jitter(MILLISECONDS)):
            for _ in range(EXPIRIES):
                tabs.expire()
                answers += tabs.everywhere("use", MILLISECONDS)
        assert [answer for answer in answers if answer != [tabs.email, SIGNED_IN]] == []
        assert len(answers) == TABS * EXPIRIES
        assert tabs.counts() == (0, 0)
    refreshes = place.proxy.statuses(REFRESH, before)
    FIGURES.info("%s: %s expiries in %s tabs, %s refreshes", storage, EXPIRIES, TABS, len(refreshes))
    assert set(refreshes) == {200}
    assert EXPIRIES <= len(refreshes) <= EXPIRIES * 2, "most tabs take the token that another one has got"


def test_tabs_go_on_while_one_is_frozen_in_mid_refresh(tabs: Tabs) -> None:
    asleep, *awake = tabs.signed_in(3)
    tabs.expire()
    with tabs.place.proxy.holding() as hold:
        asleep.evaluate("void use()")
        assert hold.has_come.wait(SECONDS)
        with frozen(asleep, other=awake[0]):
            assert [use(page) for page in awake] == [tabs.email] * 2
            hold.released.set()
            tabs.place.proxy.wait_until_idle()
            for page in awake:
                page.evaluate("later(3600)")
            tabs.expire_in_database()
            assert [use(page) for page in awake] == [tabs.email] * 2
    assert use(asleep) == tabs.email
    tabs.expire()
    assert tabs.everywhere("use", 0) == [[tabs.email, SIGNED_IN]] * 3
    assert tabs.counts() == (0, 0)


def test_a_tab_that_is_closed_in_mid_refresh_leaves_the_others_signed_in(tabs: Tabs) -> None:
    closed, *others = tabs.signed_in(3)
    tabs.expire()
    with tabs.place.proxy.holding() as hold:
        closed.evaluate("void use()")
        assert hold.has_come.wait(SECONDS)
        tabs.close(closed)
        assert [use(page) for page in others] == [tabs.email] * 2
        hold.released.set()
        tabs.place.proxy.wait_until_idle()
    tabs.expire()
    assert tabs.everywhere("use", 0) == [[tabs.email, SIGNED_IN]] * 2
    assert tabs.counts() == (0, 0)


def test_a_sign_out_reaches_all_tabs(tabs: Tabs) -> None:
    first, *others = tabs.signed_in(TABS)
    begun = first.evaluate("const begun = trueTime(); client.signOut().then(() => begun)")
    tabs.wait_for(SIGNED_OUT)
    seconds = [(page.evaluate("changes.at(-1)[1]") - begun) / 1000 for page in others]
    FIGURES.info("a sign-out reached %s tabs in %.3f s", len(others), max(seconds))
    assert max(seconds) < SECONDS
    assert tabs.everywhere("use", 0) == [["missing_token", SIGNED_OUT]] * TABS
    [reopened] = tabs.open()
    assert reopened.evaluate("client.state.status") == SIGNED_OUT


def test_a_sign_in_reaches_all_tabs(tabs: Tabs) -> None:
    *_, last = tabs.open(3)
    assert tabs.sign_in(last) == SIGNED_IN
    tabs.wait_for(SIGNED_IN)
    assert tabs.everywhere("use", 0) == [[tabs.email, SIGNED_IN]] * 3


def test_a_sign_in_to_another_account_reaches_all_tabs(tabs: Tabs) -> None:
    first, second = tabs.signed_in(2)
    tabs.become_another_account()
    assert tabs.sign_in(second) == SIGNED_IN
    first.wait_for_function("(email) => client.state.user?.email === email", arg=tabs.email)
    assert tabs.everywhere("use", 0) == [[tabs.email, SIGNED_IN]] * 2


def test_the_memory_of_a_tab_is_its_own(place: Place, chromium: Browser) -> None:
    with tabs_of(place, chromium, storage="memory") as tabs:
        first, second = tabs.open(2)
        assert tabs.sign_in(first) == SIGNED_IN
        assert second.evaluate("client.state.status") == SIGNED_OUT
        assert tabs.sign_in(second) == SIGNED_IN
        tabs.expire()
        assert tabs.everywhere("use", 0) == [[tabs.email, SIGNED_IN]] * 2
        first.evaluate("client.signOut()")
        assert use(second) == tabs.email
        second.reload()
        second.evaluate("started")
        wait_for(second, SIGNED_OUT)
        assert tabs.reuse_events() == 0


def test_a_session_in_local_storage_survives_a_reload_and_ends_everywhere(place: Place, chromium: Browser) -> None:
    with tabs_of(place, chromium, storage="local") as tabs:
        first, second = tabs.signed_in(2)
        assert tabs.context.cookies() == []
        second.reload()
        second.evaluate("started")
        wait_for(second, SIGNED_IN)
        assert tabs.everywhere("use", 0) == [[tabs.email, SIGNED_IN]] * 2
        first.evaluate("client.signOut()")
        wait_for(second, SIGNED_OUT)
        assert "authapp.refresh_token" not in second.evaluate("Object.keys(localStorage)")
