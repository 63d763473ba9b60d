import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { createClient } from "../dist/index.js";
import { cookie, openBrowser } from "./browser.js";
import { pass } from "./time.js";
import { PASSWORD, Twin } from "./twin.js";

const ADA = { email: "ada@example.com", password: PASSWORD };
let twin;
let clients = [];
const tab = (options) => {
  const client = createClient({ url: twin.url, ...options });
  clients.push(client);
  return client;
};

beforeEach(async () => {
  openBrowser();
  twin = await Twin.start();
  twin.add(ADA.email);
});
afterEach(async () => {
  clients.splice(0).forEach((client) => client.close());
  await twin.stop();
});

test("a person signs in, calls, and signs out", async () => {
  const client = tab();
  assert.equal(client.state.status, "loading");
  assert.equal((await client.start()).status, "signed_out");
  const state = await client.signIn(ADA);
  assert.equal(state.status, "signed_in");
  assert.equal(state.user.email, ADA.email);
  assert.deepEqual(await (await client.fetch("/api/v1/x")).json(), { account: ADA.email });
  pass(3600);
  await client.fetch("/api/v1/x");
  assert.equal(twin.count("/api/v1/auth/refresh"), 2);
  await client.signOut();
  assert.equal(client.state.status, "signed_out");
  assert.equal(twin.liveSessions, 0);
  assert.equal(cookie(), undefined);
});
