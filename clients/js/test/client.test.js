import assert from "node:assert/strict";
import { test } from "node:test";
import { cookie, openBrowser, setNavigator, until } from "./support/browser.js";
import { ADA, GRACE, LOGOUT, REFRESH, aMoment, ask, held, openSignedIn, openTab, twin } from "./support/setup.js";
import { problem } from "./support/twin.js";

const REFRESH_TOKEN = "authapp.refresh_token";

test("a person signs in, calls, and signs out", async () => {
  const client = openTab();
  assert.equal(client.state.status, "loading");
  assert.equal((await client.start()).status, "signed_out");
  const state = await client.signIn(ADA);
  assert.equal(state.status, "signed_in");
  assert.equal(state.user.email, ADA.email);
  assert.deepEqual(await ask(client), { account: ADA.email });
  await client.signOut();
  assert.equal(client.state.status, "signed_out");
  assert.equal(twin.liveSessions, 0);
  assert.equal(cookie(), undefined);
  assert.deepEqual(await ask(client, "/api/v1/public", { method: "POST" }), { authorization: null });
});

test("the state is the same object until something changes", async () => {
  const client = openTab();
  const seen = [];
  const stop = client.onChange((state) => seen.push(state));
  const loading = client.state;
  assert.equal(client.state, loading);
  await client.start();
  const { state } = await client.signIn(ADA).then(() => client);
  await client.reload();
  assert.equal(client.state, state);
  assert.deepEqual(seen.map(({ status }) => status), ["signed_out", "signed_in"]);
  stop();
  await client.signOut();
  assert.equal(seen.length, 2);
});

test("a listener that throws stops neither the other ones nor a sign-out", async (t) => {
  const client = await openSignedIn();
  const seen = [];
  const report = t.mock.method(console, "error", () => {});
  client.onChange(() => { throw new Error("a mistake of the page"); });
  client.onChange(({ status }) => seen.push(status));
  await client.signOut();
  assert.deepEqual([seen, twin.liveSessions], [["signed_out"], 0]);
  assert.equal(report.mock.calls[0].arguments[0].message, "a mistake of the page");
});

test("many calls of start send one request, and none when the state is known", async () => {
  const client = openTab();
  const states = await Promise.all([client.start(), client.start(), client.start()]);
  await client.start();
  assert.deepEqual(states.map(({ status }) => status), ["signed_out", "signed_out", "signed_out"]);
  assert.equal(twin.count(REFRESH), 1);
});

test("a call before start waits until it is known who is signed in", async () => {
  await openSignedIn();
  const other = openTab();
  assert.deepEqual(await ask(other), { account: ADA.email });
  assert.equal(other.state.status, "signed_in");
});

for (const [storage, status, requests] of [
  ["cookie", "signed_in", 1],
  ["local", "signed_in", 1],
  ["memory", "signed_out", 0],
]) {
  test(`storage ${storage}: after a reload of the page the person is ${status}`, async () => {
    const before = await openSignedIn({ storage });
    before.close();
    const client = openTab({ storage });
    assert.equal((await client.start()).status, status);
    assert.equal(twin.count(REFRESH), requests);
  });

  test(`storage ${storage}: the refresh token is nowhere else`, async () => {
    const client = await openSignedIn({ storage });
    assert.equal(cookie() !== undefined, storage === "cookie");
    assert.equal(localStorage.getItem(REFRESH_TOKEN) !== null, storage === "local");
    const modes = twin.requests.map(({ headers }) => headers["authapp-client"]);
    assert.deepEqual(new Set(modes), new Set([storage === "cookie" ? "browser" : undefined]));
    await client.signOut();
    assert.equal(twin.liveSessions, 0);
    assert.equal(localStorage.getItem(REFRESH_TOKEN), null);
  });
}

test("signing out everywhere says so", async () => {
  const client = await openSignedIn();
  client.close();
  openBrowser();
  const elsewhere = await openSignedIn();
  await elsewhere.signOut({ everywhere: true });
  assert.equal(twin.liveSessions, 0);
  await assert.rejects(ask(client), { code: "revoked_token" });
  assert.equal(client.state.status, "signed_out");
});

for (const storage of ["cookie", "local", "memory"]) {
  test(`storage ${storage}: a sign-out without an answer is thrown, and the next one ends the session`, async () => {
    const client = await openSignedIn({ storage });
    setNavigator({ onLine: false });
    twin.next(LOGOUT, ({ drop }) => drop());
    await assert.rejects(client.signOut(), { code: "network", status: 0 });
    assert.deepEqual([client.state.status, twin.liveSessions], ["signed_out", 1]);
    await client.signOut();
    assert.equal(twin.liveSessions, 0);
  });
}

test("who signs in before the sign-out is answered stays signed in after a reload of the page", async () => {
  const client = await openSignedIn();
  const { how, arrived, release } = held();
  twin.next(LOGOUT, how);
  const signedOut = client.signOut();
  await arrived;
  const signedIn = client.signIn(GRACE);
  await aMoment();
  release();
  await Promise.all([signedOut, signedIn]);
  assert.equal((await openTab().start()).user?.email, GRACE.email);
});

test("who signs in after a sign-out that fails signs in", async () => {
  const client = await openSignedIn();
  twin.next(LOGOUT, ({ reply }) => reply(problem(429, "rate_limited")));
  const signedOut = assert.rejects(client.signOut(), { code: "rate_limited" });
  assert.equal((await client.signIn(GRACE)).user.email, GRACE.email);
  await signedOut;
});

test("a sign-out of a session that has ended is one", async () => {
  const client = await openSignedIn();
  twin.endSessions();
  openBrowser(); // without its cookie
  await client.signOut();
  assert.equal(client.state.status, "signed_out");
});

test("a wrong password is an error and changes nothing", async () => {
  const client = openTab();
  await client.start();
  const error = await client.signIn({ ...ADA, password: "wrong" }).catch((error) => error);
  assert.equal(error.name, "ApiError");
  assert.deepEqual([error.code, error.status, error.requestId], ["wrong_credentials", 401, "request-1"]);
  assert.equal(error.message, "It is wrong_credentials.");
  assert.equal(client.state.status, "signed_out");
  assert.equal(twin.count(REFRESH), 1); // a token would not help
});

test("a registration signs in, in the organization that it has made", async () => {
  const client = openTab();
  const state = await client.register({ email: "new@example.com", password: ADA.password, organization_name: "Acme" });
  assert.equal(state.user.email, "new@example.com");
  assert.equal(state.organization.name, "Acme");
  assert.equal(state.memberships.length, 1);
  assert.ok(client.can("admin"));
});

test("a registration by email leaves the person signed out", async () => {
  twin.isSafe = true;
  const client = openTab();
  assert.equal((await client.register({ email: "new@example.com", password: ADA.password })).status, "signed_out");
});

test("a second factor completes the sign-in", async () => {
  twin.add("mfa@example.com", { mfa: true });
  const client = openTab();
  const state = await client.signIn({ ...ADA, email: "mfa@example.com" });
  assert.deepEqual(state.mfa, { methods: ["code", "recovery_code"] });
  assert.equal(state.status, "mfa_required");
  await assert.rejects(client.verifyMfa({ code: "000000" }), { code: "wrong_code" });
  assert.equal(client.state.status, "mfa_required");
  assert.equal((await client.verifyMfa({ code: "123456" })).user.email, "mfa@example.com");
  await assert.rejects(client.verifyMfa({ code: "123456" }), { status: 401 });
  assert.equal(client.state.status, "signed_in");
});

for (const [name, end] of [
  ["cancelled", (client) => client.cancelMfa()],
  ["too late", (client) => client.verifyMfa({ code: "123456" }).catch(({ code }) => assert.equal(code, "invalid_mfa_token"))],
  ["signed out", (client) => client.signOut()],
]) {
  test(`a sign-in that waits for a second factor and is ${name} leaves nobody signed in`, async () => {
    twin.add("mfa@example.com", { mfa: true });
    const client = openTab();
    await client.signIn({ ...ADA, email: "mfa@example.com" });
    if (name === "too late") twin.forgetMfaTokens();
    await end(client);
    assert.equal(client.state.status, "signed_out");
    await assert.rejects(client.verifyMfa({ code: "123456" }), { status: 401 });
  });
}

test("who changes the account and cancels the second factor is still who was signed in", async () => {
  twin.add("mfa@example.com", { mfa: true });
  const client = await openSignedIn();
  assert.equal((await client.signIn({ ...ADA, email: "mfa@example.com" })).status, "mfa_required");
  client.cancelMfa();
  await until(() => client.state.user?.email === ADA.email);
  twin.isSafe = true;
  assert.equal((await client.register({ email: "new@example.com", password: ADA.password })).user.email, ADA.email);
});

test("an account that was asked for before leaves a sign-in that waits for its second factor", async () => {
  twin.add("mfa@example.com", { mfa: true });
  const client = await openSignedIn();
  const { how, arrived, release } = held();
  twin.next("/api/v1/auth/me", how);
  const reloaded = client.reload();
  await arrived;
  await client.signIn({ ...ADA, email: "mfa@example.com" });
  release();
  assert.equal((await reloaded).status, "mfa_required");
  assert.equal((await client.verifyMfa({ code: "123456" })).user.email, "mfa@example.com");
});

test("a second factor that is refused too late leaves the sign-in that has begun since", async () => {
  twin.add("mfa@example.com", { mfa: true });
  const client = openTab();
  await client.signIn({ ...ADA, email: "mfa@example.com" });
  const { how, arrived, release } = held();
  twin.next("/api/v1/auth/login/mfa", how);
  twin.forgetMfaTokens();
  const refused = assert.rejects(client.verifyMfa({ code: "123456" }), { code: "invalid_mfa_token" });
  await arrived;
  await client.signIn({ ...ADA, email: "mfa@example.com" });
  release();
  await refused;
  assert.equal((await client.verifyMfa({ code: "123456" })).status, "signed_in");
});

test("the code of a provider signs in, or asks for a second factor", async () => {
  twin.add("mfa@example.com", { mfa: true });
  const client = openTab();
  await assert.rejects(client.exchangeSsoCode({ code: "used" }), { code: "invalid_sso_code" });
  assert.equal((await client.exchangeSsoCode({ code: ADA.email })).user.email, ADA.email);
  await client.signOut();
  assert.equal((await client.exchangeSsoCode({ code: "mfa@example.com" })).status, "mfa_required");
  assert.equal((await client.verifyMfa({ code: "123456" })).user.email, "mfa@example.com");
});

test("the only organization is chosen without being asked for, and stays when there is another one", async () => {
  twin.join(ADA.email, "Acme", "developer");
  assert.equal((await openSignedIn()).organization.current.role, "developer");
  twin.join(ADA.email, "Other", "viewer");
  assert.equal((await openTab().start()).organization.name, "Acme");
});

test("of two organizations none is chosen before the person does, and none of one where more may follow", async () => {
  twin.join(ADA.email, "Acme", "developer");
  twin.next("/api/v1/auth/me", ({ process, reply }) => {
    const { body } = process();
    reply({ body: { ...body, memberships_truncated: true } });
  });
  const client = await openSignedIn();
  assert.equal(client.organization.current, null);
  twin.join(ADA.email, "Other", "viewer");
  assert.equal((await openTab().start()).organization, null);
});

test("the only organization is none where it cannot be read", async () => {
  const acme = twin.join(ADA.email, "Acme", "developer");
  twin.next(`/api/v1/organizations/${acme.id}`, ({ reply }) => reply(problem(403, "organization_suspended")));
  const client = await openSignedIn();
  assert.deepEqual([client.state.status, client.state.organization], ["signed_in", null]);
});

test("who leaves the chosen one of two organizations is in the other one", async () => {
  const [acme] = ["Acme", "Other"].map((name) => twin.join(ADA.email, name, "viewer"));
  const client = await openSignedIn();
  await client.organization.use(acme.id);
  twin.leave(ADA.email, acme.id);
  assert.equal((await client.reload()).organization.name, "Other");
});

test("the client knows the permissions in the chosen organization", async () => {
  const acme = twin.join(ADA.email, "Acme", "developer");
  const other = twin.join(ADA.email, "Other", "viewer");
  const client = await openSignedIn();
  const asked = ["models.read", "models.deploy", "models.delete", "owner"];
  assert.deepEqual(asked.map(client.can), [false, false, false, false]);
  await client.organization.use(acme.id);
  assert.deepEqual(asked.map(client.can), [true, true, false, false]);
  await client.organization.use(other.id);
  assert.deepEqual(asked.map(client.can), [true, false, false, false]);
  const joined = twin.join(ADA.email, "Third", "developer"); // by another tab
  await client.organization.use(joined.id);
  assert.deepEqual(asked.map(client.can), [true, true, false, false]);
  await client.signOut();
  assert.deepEqual(asked.map(client.can), [false, false, false, false]);
});

test("an application may have roles of its own", async () => {
  twin.join(ADA.email, "Acme", "annotator");
  const roles = ["viewer", "annotator", "developer", "admin"];
  const client = await openSignedIn({ roles });
  assert.deepEqual(roles.map(client.can), [true, true, false, false]);
  assert.equal(client.roles, roles);
});

test("an organization is chosen, and again after a reload of the page", async () => {
  const acme = twin.join(ADA.email, "Acme", "developer");
  twin.join(ADA.email, "Other", "viewer");
  const client = await openSignedIn();
  assert.equal(client.organization.current, null);
  assert.equal(client.can("viewer"), false);
  const chosen = await client.organization.use(acme.id);
  assert.equal(chosen, client.organization.current);
  assert.equal(client.state.organization.role, "developer");
  assert.deepEqual(["viewer", "developer", "admin"].map(client.can), [true, true, false]);
  client.close();
  const state = await openTab().start();
  assert.equal(state.organization.name, "Acme");
  assert.equal(state.memberships[0].organization.name, "Acme");
});

test("of two organizations the one that was chosen last stays, in whatever order they are answered", async () => {
  const [acme, other] = ["Acme", "Other"].map((name) => twin.join(ADA.email, name, "viewer"));
  const client = await openSignedIn();
  const { how, arrived, release } = held();
  twin.next(`/api/v1/organizations/${acme.id}`, how);
  const first = client.organization.use(acme.id);
  await arrived;
  await client.organization.use(other.id);
  release();
  assert.equal(await first, null);
  assert.equal(client.organization.current.name, "Other");
  assert.equal((await openTab().start()).organization.name, "Other");
});

test("an organization that is chosen during a reload stays chosen", async () => {
  const [acme, other] = ["Acme", "Other"].map((name) => twin.join(ADA.email, name, "viewer"));
  const client = await openSignedIn();
  await client.organization.use(acme.id);
  const { how, arrived, release } = held();
  twin.next("/api/v1/auth/me", how);
  const reloaded = client.reload();
  await arrived;
  await client.organization.use(other.id);
  release();
  assert.equal((await reloaded).organization.name, "Other");
});

test("an organization is remembered for its account, and until none is chosen", async () => {
  const acme = twin.join(ADA.email, "Acme", "viewer");
  const client = await openSignedIn();
  await client.organization.use(acme.id);
  assert.equal((await client.signIn(GRACE)).organization, null);
  assert.equal((await client.signIn(ADA)).organization.name, "Acme");
  assert.equal(await client.organization.use(null), null);
  assert.equal((await openTab().start()).organization, null);
});

for (const value of ["{", "null", "7", "[]", '"text"']) {
  test(`a remembered organization that is ${value} is none, and another one can be chosen`, async () => {
    const acme = twin.join(ADA.email, "Acme", "viewer");
    twin.join(ADA.email, "Other", "viewer");
    (await openSignedIn()).close();
    localStorage.setItem("authapp.organization", value);
    const client = openTab();
    assert.equal((await client.start()).organization, null);
    await client.organization.use(acme.id);
    assert.equal((await openTab().start()).organization.name, "Acme");
  });
}

for (const [status, code] of [[403, "not_a_member"], [404, "not_found"], [422, "validation_failed"]]) {
  test(`a remembered organization that is answered with ${status} is none`, async () => {
    const before = await openSignedIn();
    localStorage.setItem("authapp.organization", JSON.stringify({ [before.state.user.id]: "x" }));
    twin.next("/api/v1/organizations/x", ({ reply }) => reply(problem(status, code)));
    const state = await openTab().start();
    assert.deepEqual([state.status, state.organization], ["signed_in", null]);
  });
}

for (const id of [{}, 7, ["x"], "", ".", ".."]) {
  test(`a remembered organization whose id is ${JSON.stringify(id)} is not asked for`, async () => {
    const before = await openSignedIn();
    localStorage.setItem("authapp.organization", JSON.stringify({ [before.state.user.id]: id }));
    assert.equal((await openTab().start()).organization, null);
    assert.equal(twin.requests.filter(({ path }) => path.startsWith("/api/v1/organizations/")).length, 0);
  });
}

test("who is not a member any more has chosen none", async () => {
  const acme = twin.join(ADA.email, "Acme", "viewer");
  const client = await openSignedIn();
  await client.organization.use(acme.id);
  twin.leave(ADA.email, acme.id);
  assert.equal((await client.reload()).organization, null);
  await assert.rejects(client.organization.use(acme.id), { code: "not_a_member" });
});

test("an accepted invitation is one of the memberships", async () => {
  const client = await openSignedIn();
  const organization = await client.acceptInvitation(twin.invite("Acme", "viewer"));
  assert.equal(organization.name, "Acme");
  assert.equal(client.state.memberships[0].role, "viewer");
  await assert.rejects(client.acceptInvitation("used"), { code: "invalid_invitation" });
});

test("an accepted invitation is among memberships that were asked for before", async () => {
  const client = await openSignedIn();
  const { how, arrived, release } = held();
  twin.next("/api/v1/auth/me", how);
  const before = client.reload();
  await arrived;
  const accepted = client.acceptInvitation(twin.invite("Acme", "viewer"));
  await until(() => twin.count("/api/v1/invitations/accept") === 1);
  await aMoment();
  release();
  await Promise.all([before, accepted]);
  assert.equal(client.state.memberships.length, 1);
});

test("call fills in path and query, and gives the JSON", async () => {
  const client = await openSignedIn();
  const parts = { organization_id: "a/b" };
  await client.call("get", "/api/v1/organizations/{organization_id}/members", { path: parts, query: { limit: 2 } });
  assert.equal(twin.requests.at(-1).url, "/api/v1/organizations/a%2Fb/members?limit=2");
  const body = { password: ADA.password };
  assert.deepEqual((await client.call("post", "/api/v1/auth/reauthenticate", { body })).amr, ["pwd"]);
  assert.equal(await client.call("post", "/api/v1/auth/logout", { body: {} }), undefined);
});

for (const id of [undefined, "", ".", ".."]) {
  test(`call refuses ${JSON.stringify(id)} in a path, and says where`, async () => {
    const client = await openSignedIn();
    const before = twin.requests.length;
    const path = { organization_id: "o", user_id: id };
    const call = client.call("delete", "/api/v1/organizations/{organization_id}/members/{user_id}", { path });
    await assert.rejects(call, { name: "TypeError", message: /^user_id / });
    await assert.rejects(client.passkeys.remove(id), TypeError);
    assert.equal(twin.requests.length, before);
  });
}
