"""The console of an organization: trusted identities."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.account import fill, status
from tests.browser.conftest import NewPage, Site
from tests.browser.console import HOSTILE, Console, open_console
from tests.factories import PASSWORD
from tests.workloads import RULE

pytestmark = pytest.mark.xdist_group("browser")
PATH = "/trusted-identities"


@pytest.fixture
def console(new_page: NewPage, site: Site) -> Console:
    return open_console(new_page, site, "trusted-identities")


def jobs(console: Console) -> Locator:
    return console.section("Trusted identities")


def values(console: Console) -> Locator:
    return console.dialog.get_by_label("Value of the claim")


def test_an_admin_trusts_a_job_of_github_and_deletes_it_again(console: Console) -> None:
    fill(jobs(console).locator("[data-none]"), "Trust a job")
    names = console.dialog.get_by_label("Name of the claim")
    expect(names).to_have_count(2)
    assert [names.nth(n).input_value() for n in range(2)] == ["repository_id", "environment"]
    values(console).nth(0).fill("74")
    values(console).nth(1).fill("production")
    console.dialog.get_by_label("Role", exact=True).select_option("developer")
    fill(console.dialog, "Create", Name="deployments")
    expect(status(jobs(console))).to_have_text("The trusted identity “deployments” was created.")
    [made] = console.call("GET", PATH)["items"]
    assert made.items() >= RULE.items()
    row = console.row("deployments")
    expect(row).to_contain_text("GitHub")
    expect(row).to_contain_text("environment: production, repository_id: 74")
    console.account.age()
    fill(jobs(console), "Delete: deployments")
    fill(console.dialog, "Delete")
    fill(console.page.get_by_role("dialog", name="Is it you?"), "Confirm", Password=PASSWORD)
    expect(status(jobs(console))).to_have_text("The trusted identity “deployments” was deleted.")
    assert console.call("GET", PATH)["items"] == []


def test_a_rule_that_would_let_others_in_says_so_beside_the_claims(console: Console) -> None:
    fill(jobs(console).locator("[data-none]"), "Trust a job")
    console.dialog.get_by_role("button", name="Remove").first.click()
    values(console).nth(0).fill("production")
    fill(console.dialog, "Create", Name="deployments")
    error = console.dialog.locator("#trust-claims-error")
    expect(error).to_contain_text("Give repository_id or repository_owner_id")
    assert console.call("GET", PATH)["items"] == []


def test_a_row_without_a_value_and_a_claim_that_is_named_twice_are_not_left_out(console: Console) -> None:
    fill(jobs(console).locator("[data-none]"), "Trust a job")
    error = console.dialog.locator("#trust-claims-error")
    values(console).nth(0).fill("74")
    fill(console.dialog, "Create", Name="deployments")
    expect(error).to_have_text("Give each claim a name and a value, or remove it.")
    console.dialog.get_by_label("Name of the claim").nth(1).fill("repository_id")
    values(console).nth(1).fill("75")
    fill(console.dialog, "Create")
    expect(error).to_have_text("Name each claim once.")
    assert console.call("GET", PATH)["items"] == []


def test_another_issuer_is_given_by_its_address_with_further_claims(console: Console) -> None:
    fill(jobs(console).locator("[data-none]"), "Trust a job")
    address = console.dialog.get_by_label("Address of the issuer")
    expect(address).to_be_hidden()
    console.dialog.get_by_label("Issuer", exact=True).select_option("other")
    fill(console.dialog, "Create", Name="cluster")
    expect(address).to_be_focused()
    address.fill("https://oidc.example.com/cluster")
    values(console).first.fill("system:serviceaccount:ml:job")
    console.dialog.get_by_role("button", name="Add a claim").click()
    console.page.keyboard.type("zone")
    values(console).nth(1).fill(HOSTILE[0])
    fill(console.dialog, "Create")
    expect(console.row("cluster")).to_contain_text(f"sub: system:serviceaccount:ml:job, zone: {HOSTILE[0]}")
    [made] = console.call("GET", PATH)["items"]
    assert made["claims"] == {"sub": "system:serviceaccount:ml:job", "zone": HOSTILE[0]}


def test_the_history_names_workloads_and_shows_the_claims_of_a_refused_job(console: Console) -> None:
    made = console.call("POST", PATH, RULE)
    insert = (
        "INSERT INTO audit_events (id, action, organization_id, actor_type, actor_id, details) "
        "VALUES (uuidv7(), %s, %s, %s, %s, %s)"
    )
    organization_id = console.organization["id"]
    console.site.execute(
        insert, "workload.signed_in", organization_id, "workload", made["id"], json.dumps({"name": "deployments"})
    )
    details = {"reason": "no_match", "issuer": "github", "claims": {"repository_id": "74", "ref": HOSTILE[0]}}
    console.site.execute(insert, "workload.refused", organization_id, None, None, json.dumps(details))
    console.open("history")
    history = console.section("History")
    refused = history.get_by_role("row").filter(has_text="A job was refused")
    expect(refused).to_contain_text("Reason: fits no trusted identity")
    expect(refused).to_contain_text(f"Claims: ref: {HOSTILE[0]}, repository_id: 74")
    signed_in = history.get_by_role("row").filter(has_text="A job signed in")
    expect(signed_in.locator("[data-slot=actor]")).to_have_text("deployments")
    history.get_by_label("Action").select_option("workload.refused")


@pytest.mark.parametrize("width", [320, 1280])
def test_long_claims_do_not_make_the_page_wider(console: Console, width: int) -> None:
    claims = {"repository_owner_id": "65", "job_workflow_ref": f"octo/{'x' * 100}/deploy.yml@refs/heads/main"}
    console.call("POST", PATH, {"name": "deployments", "issuer": "github", "claims": claims, "role": "viewer"})
    console.page.set_viewport_size({"width": width, "height": 800})
    console.open("trusted-identities")
    expect(console.row("deployments")).to_be_visible()
    assert console.page.evaluate("document.documentElement.scrollWidth") == width


def test_what_is_wrong_with_one_claim_is_said_in_the_language_of_the_page(new_page: NewPage, site: Site) -> None:
    console = open_console(new_page, site, "trusted-identities", locale="de-DE")
    console.page.locator("#trusted-identities [data-none]").get_by_role("button").click()
    console.dialog.get_by_label("Wert des Claims").first.fill("*")
    console.dialog.get_by_label("Wert des Claims").last.fill("production")
    fill(console.dialog, "Anlegen", Name="deployments")
    said = "repository_id: Platzhalter gibt es nicht: Der Claim muss genau gleich sein."
    expect(console.dialog.locator("#trust-claims-error")).to_have_text(said)
