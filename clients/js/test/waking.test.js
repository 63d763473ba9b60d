import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Window } from "happy-dom";
import { setNavigator, until } from "./support/browser.js";
import { ADA, REFRESH, aMoment, ask, openSignedIn, openTab, twin } from "./support/setup.js";
import { pass } from "./support/time.js";

let window;

beforeEach(() => {
  window = new Window();
  Object.assign(globalThis, { window, document: window.document });
});

function dispatch(type, more = {}) {
  const event = Object.assign(new window.Event(type), more);
  (type === "visibilitychange" ? window.document : window).dispatchEvent(event);
}

function hide(isHidden) {
  const visibilityState = isHidden ? "hidden" : "visible";
  Object.defineProperty(window.document, "visibilityState", { value: visibilityState, configurable: true });
}

for (const type of ["visibilitychange", "pageshow", "online", "focus"]) {
  test(`on ${type}, a token with less than 60 seconds is replaced, once`, async () => {
    const client = await openSignedIn();
    pass(twin.lifetime - 70);
    dispatch(type);
    await aMoment();
    assert.equal(twin.count(REFRESH), 0);
    pass(15);
    dispatch(type);
    dispatch(type);
    await until(() => twin.count(REFRESH) === 1);
    await ask(client);
    assert.equal(twin.count(REFRESH), 1);
  });
}

test("a hidden tab does not wake", async () => {
  await openSignedIn();
  pass(3600);
  hide(true);
  dispatch("online");
  await aMoment();
  assert.equal(twin.count(REFRESH), 0);
  hide(false);
  dispatch("visibilitychange");
  await until(() => twin.count(REFRESH) === 1);
});

test("a tab of a person who is signed out does not wake, and one that has not started neither", async () => {
  const client = openTab();
  dispatch("focus");
  await aMoment();
  await client.start();
  dispatch("focus");
  await aMoment();
  assert.equal(twin.count(REFRESH), 1);
});

test("a start that had no answer is tried again when the network is back", async () => {
  (await openSignedIn()).close();
  const client = openTab();
  setNavigator({ onLine: false });
  twin.next(REFRESH, ({ drop }) => drop());
  await assert.rejects(client.start(), { code: "network" });
  setNavigator({ onLine: true });
  dispatch("online");
  await until(() => client.state.status === "signed_in");
});

test("a sign-in whose account could not be read is completed on waking", async () => {
  const client = openTab();
  twin.next("/api/v1/auth/me", ({ drop }) => drop());
  await assert.rejects(client.signIn(ADA), { code: "network" });
  dispatch("focus");
  await until(() => client.state.status === "signed_in");
});

test("a sign-in that waits for its second factor waits on after waking", async () => {
  twin.add("mfa@example.com", { mfa: true });
  const client = await openSignedIn();
  await client.signIn({ ...ADA, email: "mfa@example.com" });
  dispatch("focus");
  await aMoment();
  assert.equal((await client.verifyMfa({ code: "123456" })).user.email, "mfa@example.com");
});

test("a page that is restored from the cache learns that its session has ended", async () => {
  const client = await openSignedIn();
  twin.endSessions();
  dispatch("pageshow", { persisted: true });
  await until(() => client.state.status === "signed_out");
});

test("waking without a network signs nobody out", async () => {
  const client = await openSignedIn();
  const { state } = client;
  pass(3600);
  setNavigator({ onLine: false });
  twin.next(REFRESH, ({ drop }) => drop());
  dispatch("visibilitychange");
  await until(() => twin.count(REFRESH) === 1);
  await aMoment();
  assert.equal(client.state, state);
});

test("a closed client does not wake", async () => {
  const client = await openSignedIn();
  client.close();
  pass(3600);
  dispatch("focus");
  await aMoment();
  assert.equal(twin.count(REFRESH), 0);
});
