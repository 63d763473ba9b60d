import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../dist/index.js";
import { openSignedIn, twin } from "./support/setup.js";
import { problem } from "./support/twin.js";

const HTML = { "Content-Type": "text/html" };

for (const [name, answer, expected] of [
  ["a page of a proxy", { status: 502, headers: HTML, body: "<h1>Bad Gateway</h1>" }, { status: 502, body: {} }],
  ["nothing", { status: 500 }, { status: 500, body: {} }],
  ["a list", { status: 400, body: "[1]" }, { status: 400 }],
  ["null", { status: 404, body: "null" }, { status: 404, body: {} }],
  ["half a document", { status: 403, body: '{"code": "role_' }, { status: 403, body: {} }],
  ["a code that is no text", { status: 403, body: { code: 7 } }, { status: 403, body: { code: 7 } }],
  ["other JSON", { status: 429, headers: { "Retry-After": "3" }, body: {} }, { status: 429, retryAfter: 3 }],
]) {
  test(`an error whose body is ${name} is one of the network`, async () => {
    const client = await openSignedIn();
    twin.next("/api/v1/x", ({ reply }) => reply(answer));
    await assert.rejects(client.fetch("/api/v1/x"), { name: "ApiError", code: "network", errors: {}, ...expected });
    assert.equal(client.state.status, "signed_in");
  });
}

for (const [name, body] of [
  ["a page", "<h1>Sign in</h1>"],
  ["half a document", '{"id": "'],
  ["nothing", ""],
]) {
  test(`call takes ${name} in place of JSON for an error of the network`, async () => {
    const client = await openSignedIn();
    twin.next("/api/v1/auth/me", ({ reply }) => reply({ body }));
    await assert.rejects(client.call("get", "/api/v1/auth/me"), { code: "network", status: 200 });
  });
}

test("an error tells the fields that are wrong, and the whole document", async () => {
  const client = await openSignedIn();
  const errors = { json: { email: ["Not a valid email address."] } };
  twin.next("/api/v1/x", ({ reply }) => reply(problem(422, "validation_failed", { errors })));
  const error = await client.fetch("/api/v1/x").catch((error) => error);
  assert.ok(error instanceof ApiError && error instanceof Error);
  assert.deepEqual(error.errors, errors.json);
  assert.deepEqual([error.code, error.status, error.requestId], ["validation_failed", 422, "request-1"]);
  assert.equal(error.body.title, "validation_failed");
});

for (const [header, seconds] of [["12", 12], ["Wed, 21 Oct 2026 07:28:00 GMT", 0], ["soon", 0]]) {
  test(`Retry-After: ${header} is ${seconds} seconds`, async () => {
    const client = await openSignedIn();
    twin.next("/api/v1/x", ({ reply }) => reply(problem(429, "rate_limited", {}, { "Retry-After": header })));
    await assert.rejects(client.fetch("/api/v1/x"), { code: "rate_limited", retryAfter: seconds });
  });
}

test("no answer is an error of the network, and the call is not sent again", async () => {
  const client = await openSignedIn();
  twin.next("/api/v1/x", ({ drop }) => drop());
  await assert.rejects(client.fetch("/api/v1/x", { method: "POST" }), { code: "network", status: 0, requestId: null });
  assert.equal(twin.count("/api/v1/x"), 1);
});

test("where a page of another origin gets no answer, its developer reads once of CORS_ORIGINS", async (t) => {
  const warn = t.mock.method(console, "warn", () => {});
  globalThis.location = { origin: "https://app.example.com", href: "https://app.example.com/", hostname: "app.example.com" };
  t.after(() => delete globalThis.location);
  const client = await openSignedIn({ apis: ["http://127.0.0.1:1"] });
  await assert.rejects(client.fetch("http://127.0.0.1:1/"), ({ detail }) => !detail.includes("CORS_ORIGINS"));
  for (let i = 0; i < 2; i++) {
    twin.next("/api/v1/x", ({ drop }) => drop());
    await assert.rejects(client.fetch("/api/v1/x"), { code: "network", detail: /CORS_ORIGINS .* https:\/\/app\.example\.com/ });
  }
  assert.equal(warn.mock.callCount(), 1);
  assert.match(warn.mock.calls[0].arguments[0], /CORS_ORIGINS/);
});

test("a call that its caller aborts throws what fetch throws", async () => {
  const client = await openSignedIn();
  await assert.rejects(client.fetch("/api/v1/x", { signal: AbortSignal.abort() }), { name: "AbortError" });
  const path = { organization_id: "x" };
  const sent = client.call("get", "/api/v1/organizations/{organization_id}", { path, signal: AbortSignal.abort() });
  await assert.rejects(sent, { name: "AbortError" });
  const reason = new Error("The page was left.");
  await assert.rejects(client.fetch("/api/v1/x", { signal: AbortSignal.abort(reason) }), reason);
});

test("a call that its caller aborts between the head and the body of the answer throws what fetch throws", async (t) => {
  const client = await openSignedIn();
  const controller = new AbortController();
  const body = new ReadableStream({ pull: (stream) => (controller.abort(), stream.error(controller.signal.reason)) }, { highWaterMark: 0 });
  t.mock.method(globalThis, "fetch", async () => new Response(body));
  await assert.rejects(client.call("get", "/api/v1/auth/sso", { signal: controller.signal }), { name: "AbortError" });
});
