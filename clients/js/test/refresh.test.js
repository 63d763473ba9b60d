import assert from "node:assert/strict";
import { test } from "node:test";
import { cookie, fetched, setNavigator, until } from "./support/browser.js";
import { ADA, LOGOUT, REFRESH, aMoment, ask, held, openSignedIn, openTab, twin } from "./support/setup.js";
import { pass, setClock, sleepFor } from "./support/time.js";
import { problem } from "./support/twin.js";

const HOUR = 3600;
const YEAR = 365 * 24 * HOUR;
const PAGE = { body: "<h1>Sign in to the network of this hotel</h1>", headers: { "Content-Type": "text/html" } };

test("calls at the same time share one refresh, before any of them is sent", async () => {
  const client = await openSignedIn();
  pass(HOUR);
  await Promise.all([ask(client), ask(client), ask(client)]);
  assert.equal(twin.count(REFRESH), 1);
  assert.equal(twin.count("/api/v1/x"), 3);
});

test("a token that is about to expire is replaced before a call, and others are not", async () => {
  const client = await openSignedIn();
  pass(twin.lifetime - 30);
  await ask(client);
  assert.equal(twin.count(REFRESH), 0);
  pass(25);
  await ask(client);
  assert.equal(twin.count(REFRESH), 1);
});

test("tokens that live for seconds are not replaced before each call", async () => {
  twin.lifetime = 6;
  const client = await openSignedIn();
  await ask(client);
  await ask(client);
  assert.equal(twin.count(REFRESH), 0);
});

test("a call whose token has expired on the way is repeated once, with its body", async () => {
  const client = await openSignedIn();
  twin.next("/api/v1/x", ({ reply }) => reply(problem(401, "expired_token")));
  assert.deepEqual(await ask(client, "/api/v1/x", { method: "PUT", body: "1" }), { account: ADA.email });
  assert.deepEqual(twin.requests.filter(({ path }) => path === "/api/v1/x").map(({ text }) => text), ["1", "1"]);
  assert.equal(twin.count(REFRESH), 1);
});

test("a call whose body was a stream is not repeated, and the next one has a new token", async () => {
  const client = await openSignedIn();
  const send = () => ask(client, "/api/v1/x", { method: "PUT", body: new Blob(["1"]).stream(), duplex: "half" });
  twin.next("/api/v1/x", ({ reply }) => reply(problem(401, "expired_token")));
  await assert.rejects(send(), { code: "expired_token" });
  assert.equal(twin.count("/api/v1/x"), 1);
  assert.deepEqual(await send(), { account: ADA.email });
  assert.equal(twin.count(REFRESH), 1);
});

test("a call that learns late that its token has expired uses the one that came meanwhile", async () => {
  const client = await openSignedIn();
  let release;
  const released = new Promise((done) => (release = done));
  twin.next("/api/v1/x", async ({ reply }) => {
    await released;
    reply(problem(401, "expired_token"));
  });
  const late = ask(client);
  await until(() => twin.count("/api/v1/x") === 1);
  pass(HOUR);
  await ask(client);
  release();
  assert.deepEqual(await late, { account: ADA.email });
  assert.equal(twin.count(REFRESH), 1);
});

test("a call whose token has expired twice is an error", async () => {
  const client = await openSignedIn();
  for (let i = 0; i < 2; i++) twin.next("/api/v1/x", ({ reply }) => reply(problem(401, "expired_token")));
  await assert.rejects(ask(client), { code: "expired_token" });
  assert.equal(twin.count("/api/v1/x"), 2);
  assert.equal(client.state.status, "signed_in");
});

test("a call whose session has ended elsewhere is an error, and nobody is signed in", async () => {
  const client = await openSignedIn();
  twin.endSessions();
  await assert.rejects(ask(client), { code: "revoked_token" });
  assert.equal(client.state.status, "signed_out");
});

test("a refresh outlives its page", async () => {
  const client = await openSignedIn();
  pass(HOUR);
  await ask(client);
  const { keepalive, credentials } = fetched.find(({ url }) => url.endsWith(REFRESH));
  assert.deepEqual([keepalive, credentials], [true, "include"]);
});

for (const storage of ["cookie", "memory", "local"]) {
  test(`storage ${storage}: a refresh whose answer is lost gets the same successor`, async () => {
    const client = await openSignedIn({ storage });
    pass(HOUR);
    twin.next(REFRESH, ({ process, drop }) => (process(), drop()));
    assert.deepEqual(await ask(client), { account: ADA.email });
    pass(HOUR);
    assert.deepEqual(await ask(client), { account: ADA.email });
    assert.deepEqual([twin.reuses, twin.count(REFRESH)], [0, 3]);
  });
}

for (const [name, answer] of Object.entries({
  "a 502 of a proxy": { status: 502, ...PAGE },
  "a 503": problem(503, "service_unavailable", {}, { "Retry-After": "1" }),
  "a 504": { status: 504 },
  "a page of a network that wants a sign-in": { status: 200, ...PAGE },
  "a 401 of a proxy": { status: 401, ...PAGE },
})) {
  test(`a refresh that is answered by ${name} is sent again`, async () => {
    const client = await openSignedIn();
    pass(HOUR);
    twin.next(REFRESH, ({ reply }) => reply(answer));
    assert.deepEqual(await ask(client), { account: ADA.email });
    assert.equal(twin.count(REFRESH), 2);
  });
}

test("a 401 of a proxy signs nobody out", async () => {
  const client = await openSignedIn();
  setNavigator({ onLine: false });
  pass(HOUR);
  twin.next(REFRESH, ({ reply }) => reply({ status: 401, ...PAGE }));
  await assert.rejects(ask(client), { code: "network", status: 401 });
  assert.equal(client.state.status, "signed_in");
});

test("a refresh is not sent again after the grace time", async () => {
  const client = await openSignedIn();
  pass(HOUR);
  twin.next(REFRESH, ({ drop }) => (pass(9), drop()));
  await assert.rejects(ask(client), { code: "network", status: 0 });
  assert.equal(twin.count(REFRESH), 1);
});

test("an hour offline signs nobody out", async () => {
  const client = await openSignedIn();
  const { state } = client;
  setNavigator({ onLine: false });
  for (let i = 0; i < 3; i++) {
    pass(HOUR / 3 + twin.lifetime);
    twin.next(REFRESH, ({ drop }) => drop());
    await assert.rejects(ask(client), { code: "network" });
    assert.equal(client.state, state);
  }
  assert.equal(twin.count(REFRESH), 3); // each was tried once
  setNavigator({ onLine: true });
  assert.deepEqual(await ask(client), { account: ADA.email });
});

test("a token that is still valid is used where a refresh is not answered", async () => {
  const client = await openSignedIn();
  pass(twin.lifetime - 5);
  twin.next(REFRESH, ({ reply }) => reply(problem(429, "rate_limited")));
  assert.deepEqual(await ask(client), { account: ADA.email });
});

test("a refresh that is limited is an error that says when to try again", async () => {
  const client = await openSignedIn();
  pass(HOUR);
  twin.next(REFRESH, ({ reply }) => reply(problem(429, "rate_limited", {}, { "Retry-After": "7" })));
  await assert.rejects(ask(client), { code: "rate_limited", retryAfter: 7 });
  assert.equal(client.state.status, "signed_in");
});

test("a start without an answer stays loading, and can be tried again", async () => {
  (await openSignedIn()).close();
  const client = openTab();
  setNavigator({ onLine: false });
  twin.next(REFRESH, ({ drop }) => drop());
  await assert.rejects(client.start(), { code: "network" });
  assert.equal(client.state.status, "loading");
  assert.equal((await client.start()).status, "signed_in");
});

for (const storage of ["cookie", "memory", "local"]) {
  test(`storage ${storage}: a refresh that is answered after the sign-out is thrown away`, async () => {
    const client = await openSignedIn({ storage });
    pass(HOUR);
    const { how, arrived, release } = held();
    twin.next(REFRESH, how);
    const call = assert.rejects(ask(client), { code: "missing_token" });
    await arrived;
    const signedOut = client.signOut();
    assert.equal(client.state.status, "signed_out");
    await aMoment();
    release();
    await Promise.all([call, signedOut]);
    assert.equal(client.state.status, "signed_out");
    assert.equal(twin.count("/api/v1/x"), 0);
    assert.deepEqual([cookie(), localStorage.getItem("authapp.refresh_token")], [undefined, null]);
    assert.deepEqual(twin.requests.slice(-2).map(({ path }) => path), [REFRESH, LOGOUT]);
    assert.equal(twin.liveSessions, 0);
  });
}

test("a sign-in waits for a refresh, whose cookie would replace its own", async () => {
  const client = await openSignedIn();
  pass(HOUR);
  const { how, arrived, release } = held();
  twin.next(REFRESH, how);
  const call = ask(client);
  await arrived;
  const signedIn = client.signIn(ADA);
  await aMoment();
  assert.equal(twin.count("/api/v1/auth/login"), 1);
  release();
  await Promise.all([call, signedIn]);
  const paths = twin.requests.map(({ path }) => path);
  assert.ok(paths.indexOf(REFRESH) < paths.lastIndexOf("/api/v1/auth/login"));
});

for (const [name, change] of Object.entries({
  "is a year ahead": () => setClock(YEAR),
  "is a year behind": () => setClock(-YEAR),
})) {
  test(`a clock that ${name} from the beginning does not matter`, async () => {
    change();
    const client = await openSignedIn();
    await ask(client);
    assert.equal(twin.count(REFRESH), 0);
    pass(twin.lifetime);
    await ask(client);
    assert.deepEqual([twin.count(REFRESH), twin.count("/api/v1/x")], [1, 2]); // none with an expired token
  });

  test(`a clock that ${name} from now on costs one refresh at most`, async () => {
    const client = await openSignedIn();
    change();
    for (let i = 0; i < 3; i++) await ask(client);
    assert.ok(twin.count(REFRESH) <= 1);
    pass(twin.lifetime);
    await ask(client);
    assert.equal(twin.count("/api/v1/x"), 4);
  });
}

test("a token that has expired while the computer slept is not sent", async () => {
  const client = await openSignedIn();
  sleepFor(8 * HOUR);
  await ask(client);
  assert.deepEqual([twin.count(REFRESH), twin.count("/api/v1/x")], [1, 1]);
});
