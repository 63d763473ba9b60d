"""The console of an organization where the application has permissions, and roles of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from authapp.instance import ROOT
from tests.browser.account import fill
from tests.browser.conftest import NewPage, Site, require_accessible, serving_pages
from tests.browser.console import Console, open_as, open_console

pytestmark = pytest.mark.xdist_group("browser")
NARROW = {"width": 320, "height": 640}
WSGI = """
from authapp import create_app

app = create_app(
    roles=["viewer", "annotator", "developer", "saved", "admin"],
    permissions={"models.read": "viewer", "models.label": "annotator", "models.deploy": "saved"},
)
"""


@pytest.fixture(scope="module")
def site(socket_folder: str, worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = Path(tmp_path_factory.mktemp("permissions"))
    (folder / "wsgi.py").write_text(WSGI)
    with serving_pages(socket_folder, f"permissions_{worker_id}", folder, PYTHONPATH=f"{folder}:{ROOT}") as served:
        yield served


def test_every_member_sees_which_role_holds_which_permissions(new_page: NewPage, site: Site) -> None:
    console = open_as(new_page, site, "annotator")
    rows = console.page.get_by_role("table", name="What the roles may do").locator("tbody tr")
    assert [" ".join(text.split()) for text in rows.all_inner_texts()] == [
        "Admin models.deploy models.label models.read",
        "saved models.deploy models.label models.read",
        "Developer models.label models.read",
        "annotator models.label models.read",
        "Viewer models.read",
    ]
    expect(console.page.get_by_text("You are annotator")).to_be_visible()


def test_a_member_gets_a_role_of_the_applications_own(new_page: NewPage, site: Site) -> None:
    console = open_console(new_page, site)
    console.join(first_name="Grace", last_name="Hopper")
    console.open()
    console.page.get_by_label("Role of Grace Hopper").select_option("saved")
    expect(console.dialog).to_contain_text("Grace Hopper is developer and becomes saved.")
    fill(console.dialog, "Change role")
    expect(console.page.locator("#members-done")).to_have_text("Grace Hopper is now saved.")
    [member] = console.call("GET", "/members?role=saved")["items"]
    assert member["user"]["first_name"] == "Grace"


def create_key(console: Console, name: str, *permissions: str) -> None:
    fill(console.section("API keys"), "New API key")
    for permission in permissions:
        console.dialog.get_by_label(permission).check()
    fill(console.dialog, "Create", Name=name)
    fill(console.page.get_by_role("dialog", name=name), "I have saved it")


def test_a_key_is_granted_permissions_and_the_form_is_empty_for_the_next(new_page: NewPage, site: Site) -> None:
    console = open_console(new_page, site, "api-keys")
    create_key(console, "deployer", "models.deploy")
    expect(console.row("deployer")).to_contain_text("models.deploy, models.read")
    create_key(console, "reader")
    held = {key["name"]: key["permissions"] for key in console.call("GET", "/api-keys")["items"]}
    assert held == {"deployer": ["models.deploy", "models.read"], "reader": ["models.read"]}
    console.open("history")
    expect(console.section("History")).to_contain_text("Granted: models.deploy")


def test_a_key_may_have_a_role_up_to_developer(new_page: NewPage, site: Site) -> None:
    console = open_console(new_page, site, "api-keys")
    fill(console.section("API keys"), "Create an API key")
    options = console.dialog.get_by_label("Role", exact=True).locator("option").all_inner_texts()
    assert options == ["Developer", "annotator", "Viewer"]


@pytest.mark.parametrize("locale", ["en-US", "de-DE"])
def test_permissions_have_no_violation_of_wcag_and_fit_320_pixels(new_page: NewPage, site: Site, locale: str) -> None:
    console = open_console(new_page, site, viewport=NARROW, locale=locale)
    require_accessible(console.page)
    console.call("POST", "/api-keys", {"name": "deployer", "role": "viewer", "permissions": ["models.deploy"]})
    console.open("api-keys")
    require_accessible(console.page)
    console.page.locator("#api-keys [data-create]").locator("visible=true").first.click()
    require_accessible(console.page)
