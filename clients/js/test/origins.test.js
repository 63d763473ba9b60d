import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "../dist/index.js";
import { fetched } from "./support/browser.js";
import { ADA, ask, openSignedIn, openTab, twin } from "./support/setup.js";
import { Twin } from "./support/twin.js";

const lastHeaders = (server) => server.requests.at(-1).headers;

/** Another service. */
async function withService(run) {
  const service = await Twin.start();
  service.next("/runs", ({ reply }) => reply({ body: [] }));
  try {
    await run(service);
  } finally {
    await service.stop();
  }
}

for (const address of [
  "https://evil.example.com/api/v1/x",
  "//evil.example.com/api/v1/x",
  "\\\\evil.example.com/x",
  new URL("https://evil.example.com/"),
  "data:text/plain,x",
  "blob:https://evil.example.com/x",
  "javascript:alert(1)",
]) {
  test(`nothing is sent to ${address}`, async () => {
    const client = await openSignedIn();
    const before = fetched.length;
    await assert.rejects(client.fetch(address), TypeError);
    assert.equal(fetched.length, before);
  });
}

test("nothing is sent to another port, or by another scheme", async () => {
  const client = await openSignedIn({ apis: ["https://api.example.com"] });
  const { port } = new URL(twin.url);
  for (const address of [`https://127.0.0.1:${port}/`, "http://127.0.0.1:1/", "http://api.example.com/", "https://api.example.com:444/"]) {
    await assert.rejects(client.fetch(address), TypeError, address);
  }
});

test("an origin of apis gets the token, and neither cookies nor the header of browser mode", async () => {
  await withService(async (service) => {
    const client = await openSignedIn({ apis: [`${service.url}/ignored`] });
    assert.deepEqual(await ask(client, `${service.url}/runs`), []);
    const { authorization, cookie, "authapp-client": mode } = lastHeaders(service);
    assert.match(authorization, /^Bearer ./);
    assert.deepEqual([cookie, mode], [undefined, undefined]);
  });
});

test("a service that refuses an expired token in its own words is asked once more", async () => {
  await withService(async (service) => {
    const client = await openSignedIn({ apis: [service.url] });
    service.next("/jobs", ({ reply }) => reply({ status: 401, body: { error: "expired" } }));
    service.next("/jobs", ({ reply }) => reply({ body: ["a job"] }));
    assert.deepEqual(await ask(client, `${service.url}/jobs`), ["a job"]);
    assert.equal(twin.count("/api/v1/auth/refresh"), 1);
  });
});

for (const redirect of [undefined, "follow", "error"]) {
  test(`a redirect does not lead the token elsewhere, with redirect ${redirect}`, async () => {
    await withService(async (service) => {
      const client = await openSignedIn();
      const headers = { Location: `${service.url}/runs` };
      twin.next("/api/v1/x", ({ reply }) => reply({ status: 302, headers }));
      await assert.rejects(client.fetch("/api/v1/x", redirect && { redirect }), { code: "network" });
      assert.equal(service.requests.length, 0);
    });
  });
}

test("a redirect does not lead a password elsewhere", async () => {
  await withService(async (service) => {
    const client = openTab();
    const headers = { Location: `${service.url}/runs` };
    twin.next("/api/v1/auth/login", ({ reply }) => reply({ status: 307, headers }));
    await assert.rejects(client.signIn(ADA), { code: "network" });
    assert.equal(service.requests.length, 0);
  });
});

test("a redirect can be looked at", async () => {
  const client = await openSignedIn();
  twin.next("/api/v1/x", ({ reply }) => reply({ status: 302, headers: { Location: "/elsewhere" } }));
  await client.fetch("/api/v1/x", { redirect: "manual" });
  assert.equal(twin.count("/elsewhere"), 0);
});

test("headers of the caller are kept, but for the token", async () => {
  const client = await openSignedIn();
  await client.fetch("/api/v1/x", { headers: [["X-Own", "1"], ["Authorization", "Bearer other"]] });
  assert.equal(lastHeaders(twin)["x-own"], "1");
  assert.doesNotMatch(lastHeaders(twin).authorization, /other/);
});

test("a client can be made where there is no page", () => {
  assert.equal(createClient().state.status, "loading");
});
