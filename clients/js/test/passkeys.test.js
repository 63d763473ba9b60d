import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { setNavigator } from "./support/browser.js";
import { ADA, openSignedIn, openTab, twin } from "./support/setup.js";
import { problem } from "./support/twin.js";

const AUTH = "/api/v1/auth";
const CHOSEN = { id: "passkey-1" };
const OPTIONS = { challenge_id: "challenge-1", options: { challenge: "AAAA" } };
let asked;
let answer;

beforeEach(() => {
  asked = [];
  answer = () => CHOSEN;
  globalThis.location = { hostname: "app.example.com" };
  globalThis.PublicKeyCredential = class {
    static parseRequestOptionsFromJSON = (options) => ({ parsed: options });
    static parseCreationOptionsFromJSON = (options) => ({ parsed: options });
  };
  const ceremony = (name) => async ({ publicKey, signal }) => {
    asked.push([name, publicKey.parsed]);
    const chosen = await answer(signal);
    return { toJSON: () => chosen };
  };
  setNavigator({ credentials: { get: ceremony("get"), create: ceremony("create") } });
});

afterEach(() => {
  delete globalThis.location;
  delete globalThis.PublicKeyCredential;
});

const sent = (path) => JSON.parse(twin.requests.findLast((request) => request.path === AUTH + path).text);
const give = (path, body) => twin.next(AUTH + path, ({ reply }) => reply({ body }));
const failing = (name) => () => Promise.reject(new DOMException("It said so.", name));

test("a passkey signs in", async () => {
  const client = openTab();
  give("/login/passkey/options", OPTIONS);
  const state = await client.passkeys.signIn();
  assert.equal(state.user.email, ADA.email);
  assert.deepEqual(asked, [["get", OPTIONS.options]]);
  assert.deepEqual(sent("/login/passkey"), { challenge_id: "challenge-1", passkey: CHOSEN });
});

test("a passkey is the second factor", async () => {
  twin.add("mfa@example.com", { mfa: true });
  const client = openTab();
  await client.signIn({ ...ADA, email: "mfa@example.com" });
  give("/login/mfa/passkey", { challenge: "BBBB" });
  assert.equal((await client.verifyMfa({ passkey: true })).status, "signed_in");
  assert.deepEqual(asked, [["get", { challenge: "BBBB" }]]);
  assert.equal(sent("/login/mfa/passkey").mfa_token, sent("/login/mfa").mfa_token);
  assert.deepEqual(sent("/login/mfa").passkey, CHOSEN);
});

test("a passkey that is asked for too late ends the sign-in, as a code does", async () => {
  twin.add("mfa@example.com", { mfa: true });
  const client = openTab();
  await client.signIn({ ...ADA, email: "mfa@example.com" });
  twin.next(`${AUTH}/login/mfa/passkey`, ({ reply }) => reply(problem(401, "invalid_mfa_token")));
  await assert.rejects(client.verifyMfa({ passkey: true }), { code: "invalid_mfa_token" });
  assert.equal(client.state.status, "signed_out");
});

test("a passkey authenticates again", async () => {
  const client = await openSignedIn();
  give("/login/passkey/options", OPTIONS);
  give("/reauthenticate", {});
  await client.reauthenticate({ passkey: true });
  assert.deepEqual(sent("/reauthenticate"), { passkey: CHOSEN });
});

test("a passkey is added, renamed and removed", async () => {
  const client = await openSignedIn();
  give("/passkeys/options", OPTIONS);
  give("/passkeys", { id: "p1", name: "Phone" });
  assert.deepEqual(await client.passkeys.add("Phone"), { id: "p1", name: "Phone" });
  assert.deepEqual(asked, [["create", OPTIONS.options]]);
  assert.deepEqual(sent("/passkeys"), { challenge_id: "challenge-1", passkey: CHOSEN, name: "Phone" });
  give("/passkeys", { items: [{ id: "p1" }] });
  assert.deepEqual(await client.passkeys.list(), [{ id: "p1" }]);
  give("/passkeys/p1", { id: "p1", name: "Laptop" });
  assert.equal((await client.passkeys.rename("p1", "Laptop")).name, "Laptop");
  twin.next(`${AUTH}/passkeys/p1`, ({ reply }) => reply({ status: 204 }));
  assert.equal(await client.passkeys.remove("p1"), undefined);
  assert.deepEqual(twin.requests.slice(-2).map(({ method }) => method), ["PATCH", "DELETE"]);
});

for (const [name, code] of [
  ["NotAllowedError", "passkey_cancelled"],
  ["AbortError", "passkey_cancelled"],
  ["InvalidStateError", "passkey_failed"],
  ["SecurityError", "passkey_failed"],
]) {
  test(`a passkey with ${name} is ${code}, and nothing is sent`, async () => {
    const client = openTab();
    answer = failing(name);
    give("/login/passkey/options", OPTIONS);
    await assert.rejects(client.passkeys.signIn(), { code, status: 0, detail: "It said so." });
    assert.equal(twin.count(`${AUTH}/login/passkey`), 0);
  });
}

test("a second question ends the first one", async () => {
  const client = openTab();
  answer = (signal) => new Promise((_, refuse) => signal.addEventListener("abort", () => refuse(signal.reason)));
  give("/login/passkey/options", OPTIONS);
  const first = assert.rejects(client.passkeys.signIn(), { code: "passkey_cancelled" });
  while (!asked.length) await new Promise((done) => setTimeout(done, 5));
  answer = () => CHOSEN;
  give("/login/passkey/options", OPTIONS);
  assert.equal((await client.passkeys.signIn()).status, "signed_in");
  await first;
});

for (const [hostname, isSupported] of [["app.example.com", true], ["localhost", true], ["127.0.0.1", false], ["[::1]", false]]) {
  test(`a page of ${hostname} can use passkeys: ${isSupported}`, () => {
    globalThis.location = { hostname };
    assert.equal(openTab().passkeys.isSupported(), isSupported);
  });
}

test("a browser without passkeys fails before it is asked", async () => {
  delete globalThis.PublicKeyCredential;
  const client = openTab();
  assert.equal(client.passkeys.isSupported(), false);
  give("/login/passkey/options", OPTIONS);
  await assert.rejects(client.passkeys.signIn(), { code: "passkey_failed" });
});
