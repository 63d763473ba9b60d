"""The console of an organization: members and invitations."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.account import alert, fill, status
from tests.browser.conftest import NewPage, Site
from tests.browser.console import HOSTILE, open_console
from tests.factories import PASSWORD

pytestmark = pytest.mark.xdist_group("browser")


def test_a_role_is_changed_after_a_dialog_that_names_the_member(new_page: NewPage, site: Site) -> None:
    console = open_console(new_page, site)
    console.join(first_name="Grace", last_name="Hopper")
    console.open()
    role = console.page.get_by_label("Role of Grace Hopper")
    role.select_option("viewer")
    expect(console.dialog).to_have_accessible_description(
        "Grace Hopper is developer and becomes viewer. A viewer sees what is in the organization, but changes nothing."
    )
    expect(console.dialog.get_by_role("button", name="Change role")).to_have_class("primary")
    fill(console.dialog, "Cancel")
    expect(role).to_have_value("developer")
    expect(role).to_be_focused()
    role.select_option("viewer")
    fill(console.dialog, "Change role")
    expect(status(console.section("Members"))).to_have_text("Grace Hopper is now viewer.")
    expect(role).to_be_focused()
    assert [member["role"] for member in console.call("GET", "/members")["items"]] == ["admin", "viewer"]


def test_making_an_admin_asks_for_a_recent_sign_in(new_page: NewPage, site: Site) -> None:
    console = open_console(new_page, site)
    console.join(first_name="Grace", last_name="Hopper")
    console.open()
    console.account.age()
    console.page.get_by_label("Role of Grace Hopper").select_option("admin")
    fill(console.dialog, "Change role")
    step_up = console.page.get_by_role("dialog", name="Is it you?")
    fill(step_up, "Confirm", Password=PASSWORD)
    expect(status(console.section("Members"))).to_have_text("Grace Hopper is now admin.")
    expect(console.page.get_by_label("Role of Grace Hopper")).to_have_value("admin")


def test_the_last_admin_stays_one_and_cannot_leave(new_page: NewPage, site: Site) -> None:
    console = open_console(new_page, site)
    console.page.get_by_label("Role of Ada Lovelace").select_option("viewer")
    fill(console.dialog, "Change role")
    expect(alert(console.dialog)).to_contain_text("The organization needs an active admin.")
    fill(console.dialog, "Cancel")
    expect(console.page.get_by_label("Role of Ada Lovelace")).to_have_value("admin")
    fill(console.section("Members"), "Leave")
    fill(console.dialog, "Leave")
    expect(alert(console.dialog)).to_contain_text("The organization needs an active admin.")


def test_whoever_gives_up_the_admin_role_sees_the_page_of_a_member(new_page: NewPage, site: Site) -> None:
    console = open_console(new_page, site)
    console.join("admin")
    console.open()
    console.page.get_by_label("Role of Ada Lovelace").select_option("developer")
    expect(console.dialog).to_have_accessible_description(re.compile("^You will no longer be an admin, but developer"))
    expect(console.dialog.get_by_role("button", name="Change role")).to_have_class("danger")
    fill(console.dialog, "Change role")
    expect(console.page.get_by_text("You are developer")).to_be_visible()
    expect(console.page.get_by_role("button", name="Invite")).to_have_count(0)


def test_a_member_is_removed_after_a_dialog_with_the_name_and_the_focus_moves_on(new_page: NewPage, site: Site) -> None:
    console = open_console(new_page, site)
    for name in HOSTILE:
        console.join(first_name=name)
    console.open()
    members = console.section("Members")
    for name in HOSTILE:
        members.get_by_role("button", name=f"Remove: {name}", exact=True).click()
        expect(console.dialog).to_have_accessible_description(f"“{name}” loses access to the organization at once.")
        fill(console.dialog, "Remove")
        expect(status(members)).to_have_text(f"{name} was removed.")
        expect(members.locator(".row-title:focus")).to_have_count(1)
    assert len(console.call("GET", "/members")["items"]) == 1


def test_a_member_who_is_gone_already_counts_as_removed(new_page: NewPage, site: Site) -> None:
    console = open_console(new_page, site)
    grace = console.join(first_name="Grace")
    console.open()
    console.call("DELETE", f"/members/{grace['user']['id']}")
    fill(console.section("Members"), "Remove: Grace")
    fill(console.dialog, "Remove")
    expect(status(console.section("Members"))).to_have_text("Grace was removed.")


def test_an_admin_whose_role_was_taken_meanwhile_is_told_so(new_page: NewPage, site: Site) -> None:
    console = open_console(new_page, site)
    grace = console.join("admin", first_name="Grace")
    console.open()
    me = site.call("GET", "/auth/me", token=console.account.token)["id"]
    site.call("PATCH", f"{console.path}/members/{me}", {"role": "viewer"}, grace["access_token"])
    fill(console.section("Members"), "Remove: Grace")
    fill(console.dialog, "Remove")
    expect(alert(console.dialog)).to_contain_text("Your role does not allow this any more.")


def test_many_members_are_shown_page_by_page_and_filtered_by_role(new_page: NewPage, site: Site) -> None:
    console = open_console(new_page, site)
    console.add_members(60)
    console.open()
    members = console.section("Members")
    rows = members.locator("tbody").get_by_role("row")
    expect(rows).to_have_count(25)
    fill(members, "Show more")
    expect(rows).to_have_count(50)
    expect(rows.nth(25).locator(".row-title")).to_be_focused()
    fill(members, "Show more")
    expect(rows).to_have_count(61)
    expect(members.get_by_role("button", name="Show more")).to_be_hidden()
    members.get_by_label("Role", exact=True).select_option("admin")
    expect(rows).to_have_count(1)
    console.page.reload()
    expect(rows).to_have_count(1)
    assert console.page.url.endswith("#members?role=admin")
    members.get_by_label("Role", exact=True).select_option("developer")
    expect(members.get_by_text("Nothing matches these filters.")).to_be_visible()
    fill(members, "Clear filters")
    expect(rows).to_have_count(25)
    expect(members.get_by_label("Role", exact=True)).to_be_focused()


def test_somebody_is_invited_again_and_the_invitation_revoked(new_page: NewPage, site: Site) -> None:
    console = open_console(new_page, site)
    email = site.new_email()
    console.page.get_by_role("button", name="Invite").click()
    expect(console.dialog.get_by_label("Email", exact=True)).to_be_focused()
    role = console.dialog.get_by_label("Role", exact=True)
    expect(role).to_have_accessible_description("A viewer sees what is in the organization, but changes nothing.")
    role.select_option("developer")
    expect(role).to_have_accessible_description(
        "A developer works in the organization, but does not manage its members."
    )
    fill(console.dialog, "Send invitation", Email=email)
    invitations = console.section("Invitations")
    expect(status(invitations)).to_have_text(f"An invitation to {email} is on its way.")
    expect(console.row(email)).to_contain_text("Pending")
    first = site.link_for(email)
    fill(invitations, f"Send again: {email}")
    expect(status(invitations)).to_contain_text(f"Another invitation to {email} is on its way.")
    expect(invitations.get_by_role("button", name=f"Send again: {email}")).to_be_focused()
    assert site.link_for(email, other_than=first)
    fill(invitations, f"Revoke: {email}")
    expect(console.dialog).to_have_accessible_description(f"The link in the email to {email} stops working.")
    fill(console.dialog, "Revoke")
    expect(status(invitations)).to_have_text(f"The invitation to {email} was revoked.")
    expect(console.row(email)).to_contain_text("Revoked")
    expect(console.row(email).get_by_role("button")).to_have_count(0)


def test_an_address_that_cannot_be_invited_is_said_beside_the_field(new_page: NewPage, site: Site) -> None:
    console = open_console(new_page, site, "invitations")
    expect(console.page.get_by_text("Nobody is invited.")).to_be_visible()
    member = console.join()["user"]["email"]
    invited = site.new_email()
    console.call("POST", "/invitations", {"email": invited, "role": "viewer"})
    console.page.get_by_role("button", name="Invite somebody").click()
    email = console.dialog.get_by_label("Email", exact=True)
    for typed, said in {
        "": "Fill this in.",
        "no address": "This is not an email address.",
        member: "This address belongs to a member of the organization.",
        invited: "This address has an invitation already. Send that one again.",
    }.items():
        fill(console.dialog, "Send invitation", Email=typed)
        expect(email).to_have_accessible_description(said)
        expect(email).to_be_focused()


def test_many_invitations_are_shown_page_by_page(new_page: NewPage, site: Site) -> None:
    console = open_console(new_page, site)
    site.execute(
        "INSERT INTO invitations (id, organization_id, email, role, status, invited_by, expires_at) "
        "SELECT gen_random_uuid(), %s, 'guest' || n || '@example.com', 'viewer', 'expired', %s, now() "
        "FROM generate_series(1, 30) AS n",
        console.organization["id"],
        site.call("GET", "/auth/me", token=console.account.token)["id"],
    )
    console.open("invitations")
    rows = console.section("Invitations").locator("tbody").get_by_role("row")
    expect(rows).to_have_count(25)
    fill(console.section("Invitations"), "Show more")
    expect(rows).to_have_count(30)


def test_the_roles_are_translated_in_their_order_everywhere(new_page: NewPage, site: Site) -> None:
    console = open_console(new_page, site, locale="de-DE")
    console.join(email="mueller@example.com")
    console.open()
    roles = ["Admin", "Entwickler", "Leser"]
    for choice in (console.page.get_by_label("Rolle", exact=True), console.page.get_by_label("Rolle von Ada Lovelace")):
        expect(choice.get_by_role("option")).to_contain_text(roles)
    expect(console.row("mueller@example.com").locator("[data-avatar]")).to_have_text("MU")
    console.page.get_by_role("button", name="Einladen").click()
    expect(console.dialog.get_by_role("option")).to_have_text(roles)
    expect(console.dialog.get_by_label("Rolle")).to_have_value("viewer")
    expect(console.page.locator(".about [data-fill=plan]")).to_have_text("Tarif: Free")
