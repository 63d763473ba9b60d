import { alerts, all, button, click, errorOf, field, fillIn, showSettled, statuses, text, until } from "./screen.js";
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import type { Member, Organization } from "@authapp/client";
import { MembersTable, OrganizationSwitcher, useOrganization } from "@authapp/react";
import { act, StrictMode, useState } from "react";
import { ada, Api, later, member, ok, organization, problem, session, type Answer } from "./api.js";

const acme = organization("acme", "admin");
const other = organization("other", "viewer");
const NOT_A_MEMBER = problem(403, "not_a_member", "You are not a member of this organization.");
const ACME = "/api/v1/organizations/o-acme";
const OTHER = "GET /api/v1/organizations/o-other";

function Shown({ id }: { id?: string }) {
  const { organization, role, isLoading, error, can } = useOrganization(id);
  const [count, setCount] = useState(0);
  const said = [organization?.name, role, isLoading && "loads", error?.code, can("developer") && "develops"].filter(Boolean);
  return <button type="button" aria-label="Again" onClick={() => setCount(count + 1)}>{said.join(" ")}</button>;
}

test("useOrganization reads an organization that is not the chosen one, once", async (t) => {
  const api = new Api();
  api.signedIn(ada, [acme, other]);
  const { client } = await showSettled(t, <Shown id="o-other" />);
  await until(() => text() === "other viewer");
  await click("Again");
  await act(() => client.reload());
  await act(() => client.organization.use("o-acme"));
  assert.equal(text(), "other viewer");
  assert.equal(api.to(OTHER).length, 1);
});

test("useOrganization knows the permissions in an organization that is not the chosen one", async (t) => {
  const said: boolean[] = [];
  const Permissions = ({ id }: { id: string }) => {
    const { organization, can } = useOrganization(id);
    if (organization) said.push(can("models.read"), can("models.deploy"));
    return null;
  };
  const api = new Api();
  api.signedIn(ada, [acme, other]);
  await showSettled(t, <Permissions id="o-other" />);
  await until(() => said.length > 0);
  assert.deepEqual(said.slice(-2), [true, false]);
});

test("useOrganization asks nobody about the chosen organization", async (t) => {
  const api = new Api();
  api.signedIn(ada, [acme, other]);
  const { client } = await showSettled(t, <Shown />);
  assert.equal(text(), "");
  await act(() => client.organization.use("o-acme"));
  await until(() => text() === "acme admin develops");
  await showSettled(t, <Shown id="o-acme" />, { client });
  assert.equal(text(), "acme admin develops");
  assert.equal(api.to(`GET ${ACME}`).length, 1, "by organization.use");
});

test("useOrganization reads again when one's role has changed", async (t) => {
  const api = new Api();
  api.signedIn(ada, [other]);
  const { client } = await showSettled(t, <Shown id="o-other" />);
  await until(() => text() === "other viewer");
  api.account(ada, [{ ...other, role: "developer" }]);
  await act(() => client.reload());
  await until(() => text() === "other developer develops");
  assert.equal(api.to(OTHER).length, 2);
});

test("useOrganization says that it loads, and returns the error", async (t) => {
  const { answer, give } = later();
  const api = new Api();
  api.signedIn(ada);
  api.on(OTHER, () => answer);
  await showSettled(t, <Shown id="o-other" />);
  assert.equal(text(), "loads");
  give(NOT_A_MEMBER);
  await until(() => text() === "not_a_member");
  assert.equal(api.to(OTHER).length, 1);
});

for (const id of ["", ".", ".."]) {
  test(`useOrganization asks nobody about the id "${id}", and says that there is no such organization`, async (t) => {
    const api = new Api();
    api.signedIn(ada);
    await showSettled(t, <Shown id={id} />);
    const before = api.sent.length;
    await until(() => text() === "organization_not_found");
    assert.equal(api.sent.length, before);
  });
}

test("useOrganization aborts its request when the component unmounts", async (t) => {
  const api = new Api();
  api.signedIn(ada);
  api.on(OTHER, () => new Promise(() => undefined));
  const { unmount } = await showSettled(t, <Shown id="o-other" />);
  await until(() => api.to(OTHER).length);
  assert.equal(api.to(OTHER)[0]?.signal?.aborted, false);
  await unmount();
  assert.equal(api.to(OTHER)[0]?.signal?.aborted, true);
});

test("OrganizationSwitcher is a select of up to 99 memberships", async (t) => {
  const api = new Api();
  api.signedIn(ada, [acme, other]);
  const { client } = await showSettled(t, <OrganizationSwitcher />);
  assert.equal(field("Organization").value, "");
  assert.deepEqual(all("option").map(({ textContent }) => textContent), ["Choose an organization", "acme", "other"]);
  await fillIn({ Organization: "o-other" });
  await until(() => client.state.organization);
  assert.equal(client.state.organization?.id, "o-other");
  assert.equal(field("Organization").value, "o-other");
});

test("OrganizationSwitcher chooses one organization at a time", async (t) => {
  const { answer, give } = later();
  const api = new Api();
  api.signedIn(ada, [acme, other]);
  api.on(OTHER, () => answer);
  const { client } = await showSettled(t, <OrganizationSwitcher />);
  await fillIn({ Organization: "o-other" });
  assert.equal(field("Organization").getAttribute("aria-busy"), "true");
  await fillIn({ Organization: "o-acme" });
  give(ok(other));
  await until(() => client.state.organization);
  assert.equal(api.to(`GET ${ACME}`).length, 0);
  assert.equal(field("Organization").value, "o-other");
});

test("OrganizationSwitcher says why an organization cannot be chosen", async (t) => {
  const api = new Api();
  api.signedIn(ada, [acme, other]);
  const { client } = await showSettled(t, <OrganizationSwitcher />);
  await act(() => client.organization.use("o-acme"));
  api.on(OTHER, () => problem(403, "organization_suspended", "The organization is suspended."));
  await fillIn({ Organization: "o-other" });
  await until(alerts);
  assert.equal(alerts(), "The organization is suspended.");
  assert.equal(field("Organization").value, "o-acme");
});

test("OrganizationSwitcher says that there is none", async (t) => {
  new Api().signedIn(ada);
  await showSettled(t, <OrganizationSwitcher />);
  assert.equal(text(), "You are in no organization.");
});

test("OrganizationSwitcher is nothing for who is signed out", async (t) => {
  new Api();
  await showSettled(t, <OrganizationSwitcher />);
  assert.equal(text(), "");
});

/** Pages of a list: the cursor is where it goes on. */
function pages<Item>(items: Item[]): (sent: { query: URLSearchParams }) => Answer {
  return ({ query }) => {
    const start = Number(query.get("cursor") ?? 0);
    const end = start + Number(query.get("limit"));
    return ok({ items: items.slice(start, end), next_cursor: end < items.length ? String(end) : null });
  };
}

test("OrganizationSwitcher shows 20,000 organizations page by page", async (t) => {
  const organizations: Organization[] = Array.from({ length: 20_000 }, (_, index) => organization(`n${index}`, "viewer"));
  const api = new Api();
  api.signedIn(ada, organizations.slice(0, 100));
  api.on("GET /api/v1/organizations", pages(organizations));
  api.on("GET /api/v1/organizations/o-n60", () => ok(organizations[60]));
  const { client } = await showSettled(t, <OrganizationSwitcher />);
  const opener = all("button")[0];
  assert.equal(opener?.getAttribute("aria-expanded"), "false");
  assert.equal(api.to("GET /api/v1/organizations").length, 0);
  await click("Choose an organization");
  await until(() => all("li").length === 50);
  await click("Show more");
  await until(() => all("li").length === 100);
  assert.equal(document.activeElement?.textContent, "n50", "the first new one has the focus");
  await click("n60");
  await until(() => all("li").length === 0);
  assert.equal(client.state.organization?.id, "o-n60");
  assert.equal(opener.textContent, "n60");
  assert.equal(opener.getAttribute("aria-expanded"), "false");
  assert.equal(document.activeElement, opener);
  assert.equal(statuses(), "n60 is chosen.");
  assert.equal(api.to("GET /api/v1/organizations").length, 2);
});

const MEMBERS = `GET ${ACME}/members`;
const me: Member = { user: { id: ada.id, email: ada.email, first_name: "Ada", last_name: "Lovelace" }, role: "admin", joined_at: ada.created_at };
const grace = member("grace", "viewer");
const LAST_ADMIN = problem(409, "last_admin", "You are the only admin of an organization that has other members.");

async function showMembers(t: TestContext, members = [me, grace], mine = acme): Promise<Api> {
  const api = new Api();
  api.signedIn(ada, [mine]);
  api.on(MEMBERS, pages(members));
  await showSettled(t, <StrictMode><MembersTable organizationId="o-acme" /></StrictMode>);
  await until(() => all("tbody tr").length && text().includes("Members of acme"));
  return api;
}

const rows = (): (string | null)[] => all("tbody th").map(({ textContent }) => textContent);

test("MembersTable shows the members page by page", async (t) => {
  const many = Array.from({ length: 51 }, (_, index) => member(`n${index}`, "viewer"));
  const api = await showMembers(t, many, organization("acme", "viewer"));
  assert.equal(rows().length, 50);
  assert.equal(all("select").length, 0, "a viewer changes nothing");
  const { answer, give } = later();
  api.on(MEMBERS, () => answer);
  await click("Show more");
  await click("One moment …");
  give(ok({ items: many.slice(50), next_cursor: null }));
  await until(() => rows().length === 51);
  assert.equal(api.to(MEMBERS).filter(({ query }) => query.has("cursor")).length, 1);
  assert.equal(document.activeElement?.textContent, "n50@example.com");
  assert.doesNotMatch(text(), /Show more/);
});

test("MembersTable says why there is no list, and tries again", async (t) => {
  const api = new Api();
  api.signedIn(ada, [acme]);
  api.on(MEMBERS, () => problem(503, "service_unavailable", "The database is away."));
  await showSettled(t, <MembersTable organizationId="o-acme" />);
  await until(alerts);
  assert.equal(alerts(), "The database is away.");
  api.on(MEMBERS, pages([me]));
  await click("Try again");
  await until(() => rows().length === 1);
  assert.equal(alerts(), "");
});

test("MembersTable says that there is no list where the answer is no JSON", async (t) => {
  const api = new Api();
  api.signedIn(ada, [acme]);
  api.on(MEMBERS, () => ({ status: 200 }));
  await showSettled(t, <MembersTable organizationId="o-acme" />);
  await until(alerts);
  assert.match(alerts(), /cannot be reached/);
  assert.equal(button("Try again").getAttribute("aria-disabled"), "false");
});

test("MembersTable aborts its request when it unmounts", async (t) => {
  const api = new Api();
  api.signedIn(ada, [acme]);
  api.on(MEMBERS, () => new Promise(() => undefined));
  const { unmount } = await showSettled(t, <MembersTable organizationId="o-acme" />);
  await until(() => api.to(MEMBERS).length);
  await unmount();
  assert.ok(api.to(MEMBERS).every(({ signal }) => signal?.aborted));
});

test("MembersTable forgets its list when somebody else signs in", async (t) => {
  const api = new Api();
  api.signedIn(ada, [acme]);
  api.on(MEMBERS, pages([me, grace]));
  const { client } = await showSettled(t, <MembersTable organizationId="o-acme" />);
  await until(() => rows().length === 2);
  const mallory = { ...ada, id: "u-mallory", email: "mallory@example.com" };
  api.on("POST /api/v1/auth/login", () => session(mallory));
  api.account(mallory);
  api.on(MEMBERS, () => NOT_A_MEMBER);
  api.on(`GET ${ACME}`, () => NOT_A_MEMBER);
  await act(() => client.signIn({ email: mallory.email, password: "SecurePassword123" }));
  await until(alerts);
  assert.deepEqual(rows(), []);
});

test("roles are named and ordered as in the consoles", async (t) => {
  await showMembers(t);
  const select = field("Role of grace@example.com");
  assert.deepEqual([...select.children].map(({ textContent }) => textContent), ["Admin", "Developer", "Viewer"]);
});

test("an admin changes the role of a member, and a live region says so", async (t) => {
  const api = await showMembers(t);
  const route = `PATCH ${ACME}/members/u-grace`;
  api.on(route, () => ok({ ...grace, role: "developer" }));
  await fillIn({ "Role of grace@example.com": "developer" });
  await until(statuses);
  assert.equal(statuses(), "grace@example.com is now Developer.");
  assert.equal(field("Role of grace@example.com").value, "developer");
  assert.deepEqual(api.to(route).map(({ body }) => body), [{ role: "developer" }]);
});

test("a role that cannot be changed stays, with the error of the API beside it", async (t) => {
  const api = await showMembers(t);
  api.on(`PATCH ${ACME}/members/u-grace`, () => problem(403, "role_too_low", "You need a higher role."));
  await fillIn({ "Role of grace@example.com": "admin" });
  await until(() => errorOf("Role of grace@example.com"));
  assert.equal(errorOf("Role of grace@example.com"), "You need a higher role.");
  assert.equal(alerts(), "You need a higher role.");
  assert.equal(field("Role of grace@example.com").value, "viewer");
});

test("an admin gives up the own role only after a question, and the last one is refused", async (t) => {
  const api = await showMembers(t);
  const route = `PATCH ${ACME}/members/${ada.id}`;
  api.on(route, () => LAST_ADMIN);
  await fillIn({ "Role of Ada Lovelace": "viewer" });
  await click("Cancel");
  assert.equal(field("Role of Ada Lovelace").value, "admin");
  assert.equal(api.to(route).length, 0);
  await fillIn({ "Role of Ada Lovelace": "viewer" });
  await click("Change role");
  await until(alerts);
  assert.equal(alerts(), LAST_ADMIN.body && "You are the only admin of an organization that has other members.");
  api.on(route, () => ok({ ...me, role: "viewer" }));
  api.account(ada, [organization("acme", "viewer")]);
  await click("Change role");
  await until(() => all("select").length === 0);
  assert.equal(all("dialog").length, 0);
});

test("an admin removes a member after a question that names the member", async (t) => {
  const api = await showMembers(t);
  const route = `DELETE ${ACME}/members/u-grace`;
  api.on(route, () => ({ status: 204 }));
  await click("Remove grace@example.com");
  assert.match(document.querySelector("dialog[open]")?.textContent ?? "", /Remove grace@example.com\?.*loses all access to acme/);
  assert.equal(document.activeElement, button("Cancel"));
  await click("Cancel");
  assert.equal(all("dialog").length, 0);
  assert.equal(api.to(route).length, 0);
  await click("Remove grace@example.com");
  await click("Remove");
  await until(statuses);
  assert.equal(statuses(), "grace@example.com was removed.");
  assert.deepEqual(rows(), ["Ada Lovelace (you)ada@example.com"]);
  assert.equal(document.activeElement?.className, "authapp-members");
  assert.equal(api.to(route).length, 1);
});

test("a member who cannot be removed stays, and the dialog says why", async (t) => {
  const api = await showMembers(t);
  api.on(`DELETE ${ACME}/members/u-grace`, () => problem(404, "member_not_found", "There is no such member."));
  await click("Remove grace@example.com");
  await click("Remove");
  await until(alerts);
  assert.equal(alerts(), "There is no such member.");
  assert.equal(document.querySelector("dialog[open]")?.contains(document.activeElement), true);
  assert.equal(rows().length, 2);
});

test("the last admin cannot leave, in the words of the API", async (t) => {
  const api = await showMembers(t);
  api.on(`DELETE ${ACME}/members/${ada.id}`, () => LAST_ADMIN);
  await click("Leave");
  await act(async () => document.querySelector<HTMLButtonElement>("dialog .authapp-button-danger")?.click());
  await until(alerts);
  assert.equal(alerts(), "You are the only admin of an organization that has other members.");
});

test("a member leaves, and the list is gone", async (t) => {
  const api = await showMembers(t, [me, grace], organization("acme", "viewer"));
  assert.equal(all("tbody button").length, 1, "a viewer removes nobody else");
  api.on(`DELETE ${ACME}/members/${ada.id}`, () => ({ status: 204 }));
  api.account(ada);
  api.on(`GET ${ACME}`, () => NOT_A_MEMBER);
  await click("Leave");
  await act(async () => document.querySelector<HTMLButtonElement>("dialog .authapp-button-danger")?.click());
  await until(statuses);
  assert.equal(statuses(), "You have left acme.");
  assert.equal(all("table").length, 0);
  await until(() => api.to("GET /api/v1/auth/me").length === 2);
});
