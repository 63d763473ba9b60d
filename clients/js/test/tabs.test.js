import assert from "node:assert/strict";
import { test } from "node:test";
import { locks, setNavigator, until } from "./support/browser.js";
import { ADA, GRACE, REFRESH, aMoment, ask, held, openSignedIn, openTab, twin } from "./support/setup.js";
import { pass } from "./support/time.js";

const HOUR = 3600;
const TOKEN = "authapp.refresh_token";

/** Two tabs where Ada is signed in. */
async function openTwo(options) {
  const [first, second] = [openTab(options), openTab(options)];
  await Promise.all([first.start(), second.start()]);
  await first.signIn(ADA);
  await until(() => second.state.status === "signed_in");
  return [first, second];
}

for (const storage of ["cookie", "local"]) {
  test(`storage ${storage}: a sign-in reaches the other tab without a refresh`, async () => {
    const [, second] = await openTwo({ storage });
    const before = twin.count(REFRESH);
    assert.deepEqual(await ask(second), { account: ADA.email });
    assert.equal(twin.count(REFRESH), before);
  });

  test(`storage ${storage}: a new token reaches the other tab, with the seconds that are left`, async () => {
    const [first, second] = await openTwo({ storage });
    pass(HOUR);
    await ask(first);
    await aMoment();
    const refreshes = twin.count(REFRESH);
    pass(twin.lifetime - 30);
    await ask(second);
    assert.equal(twin.count(REFRESH), refreshes);
    pass(25);
    await ask(second);
    assert.equal(twin.count(REFRESH), refreshes + 1);
  });

  test(`storage ${storage}: a sign-out reaches the other tab`, async () => {
    const [first, second] = await openTwo({ storage });
    await first.signOut();
    await until(() => second.state.status === "signed_out");
    assert.deepEqual(await ask(second, "/api/v1/public", { method: "POST" }), { authorization: null });
  });

  test(`storage ${storage}: tabs without locks refresh at once, and nobody is signed out`, async () => {
    const [first, second] = await openTwo({ storage });
    for (let i = 0; i < 5; i++) {
      pass(HOUR);
      assert.deepEqual(await Promise.all([ask(first), ask(second)]), [{ account: ADA.email }, { account: ADA.email }]);
      await aMoment();
    }
    assert.equal(twin.reuses, 0);
  });

  test(`storage ${storage}: with locks, tabs send one refresh`, async () => {
    const [first, second] = await openTwo({ storage });
    setNavigator({ locks: locks() });
    const before = twin.count(REFRESH);
    pass(HOUR);
    await Promise.all([ask(first), ask(second), ask(first), ask(second)]);
    assert.equal(twin.count(REFRESH), before + 1);
  });

  test(`storage ${storage}: a refresh that is answered after the sign-out in another tab is thrown away`, async () => {
    const [first, second] = await openTwo({ storage });
    pass(HOUR);
    const { how, arrived, release } = held();
    twin.next(REFRESH, how);
    const call = assert.rejects(ask(second), { code: "missing_token" });
    await arrived;
    await first.signOut();
    await until(() => second.state.status === "signed_out");
    release();
    await call;
    await aMoment();
    assert.deepEqual([first.state.status, second.state.status], ["signed_out", "signed_out"]);
    assert.equal(localStorage.getItem(TOKEN), null);
  });
}

test("a tab whose refresh was answered before it has heard of the sign-out signs no other one in", async () => {
  const [first, second] = await openTwo();
  await first.signOut();
  await until(() => second.state.status === "signed_out");
  const before = twin.requests.length;
  const late = new BroadcastChannel(`authapp ${twin.url}`);
  late.postMessage({ type: "refreshed", account: twin.add("x@example.com").id, token: "t", seconds: 9, at: Date.now() });
  await aMoment();
  late.close();
  assert.equal(twin.requests.length, before);
  assert.deepEqual([first.state.status, second.state.status], ["signed_out", "signed_out"]);
});

test("a sign-in as another account is taken over, and no call of the first one is sent with its token", async () => {
  const [first, second] = await openTwo();
  const seen = [];
  second.onChange(({ status, user }) => seen.push([status, user?.email]));
  pass(HOUR);
  const { how, arrived, release } = held();
  twin.next(REFRESH, how);
  const call = assert.rejects(ask(second), { code: "missing_token" });
  await arrived;
  await first.signIn(GRACE);
  await until(() => second.state.user?.email === GRACE.email);
  release();
  await call;
  assert.deepEqual(seen, [["loading", undefined], ["signed_in", GRACE.email]]);
  assert.deepEqual(await ask(second), { account: GRACE.email });
});

test("an account that was asked for before a sign-in in another tab is not shown after it", async () => {
  const [first, second] = await openTwo();
  const { how, arrived, release } = held();
  twin.next("/api/v1/auth/me", how);
  const reloaded = second.reload();
  await arrived;
  const seen = [];
  second.onChange(({ user }) => seen.push(user?.email));
  await first.signIn(GRACE);
  await until(() => second.state.status === "loading");
  release();
  assert.equal((await reloaded).user.email, GRACE.email);
  assert.deepEqual(seen, [undefined, GRACE.email]);
});

test("an account that has signed in elsewhere in this browser is taken over at the next refresh, in all tabs", async () => {
  const [first, second] = await openTwo();
  const headers = { "Authapp-Client": "browser" };
  const body = JSON.stringify(GRACE);
  await fetch(`${twin.url}/api/v1/auth/login`, { method: "POST", credentials: "include", headers, body });
  pass(HOUR);
  await assert.rejects(ask(first), { code: "missing_token" });
  await until(() => [first, second].every(({ state }) => state.user?.email === GRACE.email));
});

test("a sign-out in another tab leaves a sign-in that waits for its second factor", async () => {
  twin.add("mfa@example.com", { mfa: true });
  const [first, second] = [await openSignedIn(), openTab()];
  await second.start();
  const third = openTab();
  await third.signIn({ ...ADA, email: "mfa@example.com" });
  await first.signOut();
  await until(() => second.state.status === "signed_out");
  assert.equal(third.state.status, "mfa_required");
  await third.verifyMfa({ code: "123456" });
  await until(() => [first, second].every(({ state }) => state.user?.email === "mfa@example.com"));
});

test("a client that was closed hears nothing, also after a refresh", async () => {
  const [first, second] = await openTwo();
  second.close();
  pass(HOUR);
  assert.deepEqual(await ask(second), { account: ADA.email });
  await first.signOut();
  await aMoment();
  assert.equal(second.state.status, "signed_in");
});

test("a tab in memory shares nothing", async () => {
  const [first, second] = [await openSignedIn({ storage: "memory" }), openTab({ storage: "memory" })];
  await second.start();
  await aMoment();
  assert.equal(second.state.status, "signed_out");
  await second.signIn(GRACE);
  await aMoment();
  assert.equal(first.state.user.email, ADA.email);
});

test("storage local: a tab that hears nothing uses the newest refresh token", async () => {
  const [first, second] = await openTwo({ storage: "local" });
  second.close();
  for (let i = 0; i < 3; i++) {
    pass(HOUR);
    await ask(i % 2 ? second : first);
  }
  pass(HOUR);
  await ask(second);
  assert.equal(twin.reuses, 0);
});

test("storage local: a late answer does not replace a newer refresh token", async () => {
  const [first, second] = await openTwo({ storage: "local" });
  second.close();
  pass(HOUR);
  const { how, arrived, release } = held();
  twin.next(REFRESH, how);
  const call = ask(second);
  await arrived;
  await ask(first); // the same successor
  pass(HOUR);
  await ask(first);
  pass(20); // more than the grace time
  release();
  assert.deepEqual(await call, { account: ADA.email });
  assert.equal(twin.reuses, 0);
});

test("a tab does not wait for long for another one that has the lock and is frozen", async () => {
  const [first] = await openTwo();
  const all = locks();
  all.held.add(`authapp ${twin.url}`);
  setNavigator({ locks: all });
  pass(HOUR);
  assert.deepEqual(await ask(first), { account: ADA.email });
});

test("a browser that refuses locks is one without them", async () => {
  const client = await openSignedIn();
  setNavigator({ locks: { request: () => Promise.reject(new DOMException("no", "SecurityError")) } });
  pass(HOUR);
  assert.deepEqual(await ask(client), { account: ADA.email });
});

test("a lock is released where the refresh fails", async () => {
  const client = await openSignedIn();
  const all = locks();
  setNavigator({ locks: all, onLine: false });
  pass(HOUR);
  twin.next(REFRESH, ({ drop }) => drop());
  await assert.rejects(ask(client), { code: "network" });
  await until(() => all.held.size === 0);
});

test("a frozen tab does not take an old token for a new one", async () => {
  const client = await openSignedIn();
  pass(HOUR);
  const channel = new BroadcastChannel(`authapp ${twin.url}`);
  const at = Date.now() - HOUR * 1000;
  channel.postMessage({ type: "refreshed", account: client.state.user.id, token: "old", seconds: 1800, at });
  await aMoment();
  channel.close();
  await ask(client);
  assert.equal(twin.count("/api/v1/x"), 1); // with a new one, at once
});

for (const said of [
  null, "signed_out", {}, { type: "other" }, { type: "signed_in" }, { type: "signed_in", account: "x", token: "t" },
  { type: "signed_in", account: "x", token: 7, seconds: 9, at: 0 }, { type: "refreshed", account: "x", token: "t", seconds: "9", at: 0 },
]) {
  test(`a tab ignores the message ${JSON.stringify(said)}`, async () => {
    const client = await openSignedIn();
    const before = client.state;
    const channel = new BroadcastChannel(`authapp ${twin.url}`);
    channel.postMessage(said);
    await aMoment();
    channel.close();
    assert.equal(client.state, before);
    assert.deepEqual(await ask(client), { account: ADA.email });
    assert.equal(twin.count(REFRESH), 0);
  });
}

test("the cookie of a sign-in is not replaced by that of a refresh in another tab, which it waits for", async () => {
  const [first, second] = await openTwo();
  setNavigator({ locks: locks() });
  pass(HOUR);
  const { how, arrived, release } = held();
  twin.next(REFRESH, how);
  const call = ask(second).catch(() => null);
  await arrived;
  const signedIn = first.signIn(GRACE);
  await aMoment();
  release();
  await Promise.all([call, signedIn]);
  assert.equal((await openTab().start()).user.email, GRACE.email);
});

test("a sign-in waits for the sign-out in another tab, which would take its cookie away", async () => {
  const [first, second] = await openTwo();
  setNavigator({ locks: locks() });
  const { how, arrived, release } = held();
  twin.next("/api/v1/auth/logout", how);
  const signedOut = first.signOut();
  await arrived;
  const signedIn = second.signIn(GRACE);
  await aMoment();
  release();
  await Promise.all([signedOut, signedIn]);
  assert.equal((await openTab().start()).user?.email, GRACE.email);
});

test("a sign-in and a sign-out do not wait for long for a tab that has the lock and is frozen", async () => {
  const client = openTab();
  await client.start();
  const all = locks();
  all.held.add(`authapp ${twin.url}`);
  setNavigator({ locks: all });
  assert.equal((await client.signIn(ADA)).status, "signed_in");
  await client.signOut();
  assert.equal(twin.liveSessions, 0);
});

test("a sign-in that is refused lets the other tabs go on", async () => {
  const client = openTab();
  const all = locks();
  setNavigator({ locks: all });
  await assert.rejects(client.signIn({ ...ADA, password: "wrong" }), { code: "wrong_credentials" });
  await until(() => all.held.size === 0);
});
