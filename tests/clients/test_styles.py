"""`styles.css` of @authapp/react on a page that has no styles of its own."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import require_accessible
from tests.clients.packages import CLIENTS

pytestmark = pytest.mark.xdist_group("browser")
PAGE = """<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">
<title>A page</title><style>{own} html {{ background: Canvas }}</style><style>{styles}</style>
<main><h1>Sign in</h1><form class="authapp-form">
<div class="authapp-alert" role="alert">Wrong.</div><div class="authapp-field"><label for="a">Email</label>
<input id="a" aria-invalid="true" value="text"><p class="authapp-hint">A hint</p>
<p class="authapp-error">Wrong.</p></div>
<div class="authapp-actions"><button class="authapp-button authapp-button-primary">Sign in</button>
<button class="authapp-button authapp-button-secondary">Cancel</button></div>
<button class="authapp-button authapp-button-danger">Remove</button><button class="authapp-link">Forgot?</button>
<p class="authapp-note">A note</p></form></main>"""
"""The background is that of the browser. It has to be said, because axe-core takes any other page for a white one."""


@pytest.mark.parametrize("own", ["", ":root { color-scheme: light }", ":root { color-scheme: dark }"])
def test_the_styles_are_readable_in_light_and_dark_whatever_the_page_says_of_them(chromium: Browser, own: str) -> None:
    page = chromium.new_page()
    page.set_content(PAGE.format(own=own, styles=(CLIENTS / "react" / "styles.css").read_text()))
    require_accessible(page)
    page.close()
