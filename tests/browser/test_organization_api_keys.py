"""The console of an organization: API keys."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.account import alert, fill, status
from tests.browser.conftest import NewPage, Site
from tests.browser.console import HOSTILE, Console, open_console
from tests.factories import PASSWORD

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture
def console(new_page: NewPage, site: Site) -> Console:
    return open_console(new_page, site, "api-keys")


def add_key(console: Console, name: str) -> None:
    console.call("POST", "/api-keys", {"name": name, "role": "viewer"})
    console.open("api-keys")


def acts(console: Console, key: str) -> bool:
    answer = console.page.request.get(
        f"{console.site.url}/api/v1{console.path}", headers={"Authorization": f"Bearer {key}"}
    )
    return answer.status == 200


def test_a_key_is_shown_once_to_copy_and_to_save_as_a_line_of_an_env_file(console: Console, tmp_path: Path) -> None:
    console.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    keys = console.section("API keys")
    fill(keys, "Create an API key")
    fill(console.dialog, "Create", Name="training pipeline")
    shown = console.page.get_by_role("dialog", name="training pipeline")
    key = shown.locator("code").inner_text()
    assert key.startswith("ak_")
    assert acts(console, key)
    for _ in range(3):
        console.page.keyboard.press("Escape")  # with nothing between them: the browser would not ask at the second one
    expect(shown).to_be_visible()
    fill(shown, "Copy")
    expect(status(shown)).to_have_text("Copied.")
    assert console.page.evaluate("navigator.clipboard.readText()") == key
    with console.page.expect_download() as download:
        fill(shown, "Save as .env")
    download.value.save_as(tmp_path / "env")
    assert download.value.suggested_filename == f"{console.organization['slug']}.env"
    assert (tmp_path / "env").read_text() == f"AUTHAPP_API_KEY={key}\n"
    fill(shown, "I have saved it")
    expect(status(keys)).to_have_text("The API key “training pipeline” was created.")
    assert key not in console.page.content()
    console.open("api-keys")
    expect(console.row("training pipeline")).to_contain_text("Never")
    assert key not in console.page.content()


def test_a_key_that_the_browser_does_not_copy_is_selected(console: Console) -> None:
    console.page.evaluate("() => void (navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed')))")
    fill(console.section("API keys"), "Create an API key")
    fill(console.dialog, "Create", Name="training pipeline")
    shown = console.page.get_by_role("dialog", name="training pipeline")
    fill(shown, "Copy")
    expect(status(shown)).to_contain_text("copy it by hand")
    assert console.page.evaluate("getSelection().toString()") == shown.locator("code").inner_text()


def test_creating_a_key_asks_for_a_recent_sign_in_and_takes_a_time_to_expire(console: Console) -> None:
    console.account.age()
    fill(console.section("API keys"), "Create an API key")
    console.dialog.get_by_label("Role", exact=True).select_option("developer")
    console.dialog.get_by_label("Expires", exact=True).select_option("90")
    fill(console.dialog, "Create", Name="nightly")
    fill(console.page.get_by_role("dialog", name="Is it you?"), "Confirm", Password=PASSWORD)
    fill(console.page.get_by_role("dialog", name="nightly"), "I have saved it")
    [key] = console.call("GET", "/api-keys")["items"]
    assert key["role"] == "developer"
    kept = datetime.fromisoformat(key["expires_at"]) - datetime.fromisoformat(key["created_at"])
    assert timedelta(days=89) < kept < timedelta(days=91)


def test_the_limit_of_keys_is_said_in_the_dialog(console: Console) -> None:
    console.site.execute(
        "INSERT INTO api_keys (id, organization_id, name, role, secret_hash, created_by) "
        "SELECT gen_random_uuid(), %s, 'key ' || n, 'viewer', '', %s FROM generate_series(1, 100) AS n",
        console.organization["id"],
        console.site.call("GET", "/auth/me", token=console.account.token)["id"],
    )
    console.open("api-keys")
    keys = console.section("API keys")
    expect(keys.locator("tbody").get_by_role("row")).to_have_count(25)
    fill(keys, "Show more")
    expect(keys.locator("tbody").get_by_role("row")).to_have_count(50)
    fill(keys, "New API key")
    fill(console.dialog, "Create", Name="one more")
    expect(alert(console.dialog)).to_contain_text("You have reached a limit.")


def test_a_key_is_renamed_with_hostile_names_as_text(console: Console) -> None:
    add_key(console, "pipeline")
    before = "pipeline"
    for name in HOSTILE:
        fill(console.section("API keys"), f"Rename: {before}")
        field = console.dialog.get_by_label("Name", exact=True)
        expect(field).to_have_value(before)
        fill(console.dialog, "Save", Name=name)
        expect(status(console.section("API keys"))).to_have_text(f"The API key is now called “{name}”.")
        assert console.names("/api-keys") == [name]
        before = name


def test_a_key_is_rotated_and_the_former_secret_works_for_the_overlap(console: Console) -> None:
    former = console.call("POST", "/api-keys", {"name": "pipeline", "role": "viewer"})["key"]
    console.open("api-keys")
    fill(console.section("API keys"), "Rotate: pipeline")
    expect(console.dialog.get_by_text("“pipeline” gets a new secret, which is shown once.")).to_be_visible()
    fill(console.dialog, "Rotate")
    shown = console.page.get_by_role("dialog", name="pipeline")
    key = shown.locator("code").inner_text()
    fill(shown, "I have saved it")
    expect(console.row("pipeline")).to_contain_text("Its former secret works until")
    assert acts(console, key)
    assert acts(console, former)
    fill(console.section("API keys"), "Rotate: pipeline")
    console.dialog.get_by_label("The present secret works for").select_option("0")
    fill(console.dialog, "Rotate")
    fill(console.page.get_by_role("dialog", name="pipeline"), "I have saved it")
    expect(status(console.section("API keys"))).to_have_text("The API key “pipeline” has a new secret.")
    assert not acts(console, key)


def test_a_key_is_revoked_after_a_dialog_with_its_name(console: Console) -> None:
    key = console.call("POST", "/api-keys", {"name": "pipeline", "role": "viewer"})["key"]
    console.open("api-keys")
    opener = console.section("API keys").get_by_role("button", name="Revoke: pipeline")
    opener.click()
    expect(console.dialog).to_have_accessible_description("“pipeline” stops working at once. This cannot be undone.")
    expect(console.dialog.get_by_role("button", name="Cancel")).to_be_focused()
    console.page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    assert acts(console, key)
    opener.click()
    fill(console.dialog, "Revoke")
    expect(status(console.section("API keys"))).to_have_text("The API key “pipeline” was revoked.")
    expect(console.page.get_by_text("No API keys yet.")).to_be_visible()
    assert not acts(console, key)


def test_a_key_that_has_expired_is_marked_and_cannot_be_rotated(console: Console) -> None:
    add_key(console, "pipeline")
    console.site.execute("UPDATE api_keys SET expires_at = now() - interval '1 day'")
    console.open("api-keys")
    row = console.row("pipeline")
    expect(row).to_contain_text("Expired")
    assert row.get_by_role("button").locator("visible=true").all_inner_texts() == ["Rename", "Revoke"]
