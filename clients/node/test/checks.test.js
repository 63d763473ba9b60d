import assert from "node:assert/strict";
import { test } from "node:test";
import { Authapp } from "../dist/index.js";
import { ACCOUNT, allowed, openAuthapp, ORGANIZATION, pass, problem, refusal } from "./support/fake.js";

const CHECK = "/api/v1/auth/check";
const REVOCATIONS = "/api/v1/auth/revocations";
const OTHER = ORGANIZATION.replace("1", "2");
console.warn = () => {};

async function open(t, options) {
  const fake = await openAuthapp(t);
  const auth = new Authapp(fake.url, { timeout: 1, ...options });
  const authorization = `Bearer ${await fake.token()}`;
  return { fake, auth, authorization, checks: () => fake.count(CHECK) };
}

test("a member is as authapp tells, and the query has the conditions", async (t) => {
  const { fake, auth, authorization } = await open(t);
  const member = await auth.member("developer", { permission: "models.deploy" }).check(authorization, ORGANIZATION);
  assert.equal(member.claims.sub, ACCOUNT);
  const { claims: _, ...told } = member;
  const expected = { subject: ACCOUNT, type: "user", sessionId: "a-session", organizationId: ORGANIZATION };
  assert.deepEqual(told, { ...expected, role: "developer" });
  const [asked] = fake.asked.filter(({ path }) => path === CHECK);
  assert.equal(asked.url, `${CHECK}?organization_id=${ORGANIZATION}&role=developer&permission=models.deploy`);
  assert.equal(asked.authorization, authorization);
});

test("an answer is kept for maxAge seconds, for its token, organization, role and permission", async (t) => {
  const { fake, auth, authorization, checks } = await open(t);
  const guard = auth.member("developer", { maxAge: 5 });
  await guard.check(authorization, ORGANIZATION);
  pass(4);
  await guard.check(authorization, ORGANIZATION);
  assert.equal(checks(), 1);
  pass(1);
  await guard.check(authorization, ORGANIZATION);
  assert.equal(checks(), 2);
  await guard.check(`Bearer ${await fake.token({ jti: "x" })}`, ORGANIZATION);
  await auth.member("viewer", { maxAge: 5 }).check(authorization, ORGANIZATION);
  await auth.member("developer", { maxAge: 5, permission: "a.b" }).check(authorization, ORGANIZATION);
  await auth.user({ maxAge: 5 }).check(authorization);
  assert.equal(checks(), 6);
  fake.answers[CHECK] = () => problem(403, "not_a_member");
  assert.equal(await refusal(guard.check(authorization, OTHER)), "403 not_a_member");
  assert.equal(await refusal(guard.check(authorization, OTHER)), "403 not_a_member");
  assert.equal(checks(), 7);
});

test("without maxAge each request asks, and API keys are asked about each time", async (t) => {
  const { fake, auth, authorization, checks } = await open(t, { onStale: "accept" });
  const guard = auth.member("developer");
  await Promise.all([1, 2, 3].map(() => guard.check(authorization, ORGANIZATION)));
  assert.equal(checks(), 3);
  const subject = "019aab1c-7d3e-7a40-9a55-000000000009";
  fake.answers[CHECK] = () => allowed({ "X-Auth-Type": "api_key", "X-Auth-Subject": subject, "X-Auth-Session": "" });
  const kept = auth.member("developer", { maxAge: 60 });
  for (const _ of [1, 2]) {
    const member = await kept.check("Bearer ak_abc_def", ORGANIZATION);
    assert.deepEqual([member.subject, member.type, member.sessionId, member.claims], [subject, "api_key", null, null]);
  }
  assert.equal(checks(), 5);
  assert.equal(await refusal(auth.user().check("Bearer ak_abc_def")), "403 api_key_not_allowed");
  fake.answers[CHECK] = () => null;
  assert.equal(await refusal(kept.check("Bearer ak_abc_def", ORGANIZATION)), "503 authapp_unavailable");
});

test("simultaneous identical questions are asked once", async (t) => {
  const { auth, authorization, checks } = await open(t);
  const guard = auth.member("developer", { maxAge: 5 });
  await Promise.all(Array.from({ length: 50 }, () => guard.check(authorization, ORGANIZATION)));
  assert.equal(checks(), 1);
});

test("a question that takes longer than maxAge is asked again, and its late answer replaces none", async (t) => {
  const { fake, auth, authorization, checks } = await open(t);
  const guard = auth.member("developer", { maxAge: 5 });
  let release;
  fake.answers[CHECK] = () => new Promise((resolve) => (release = () => resolve(allowed())));
  const late = guard.check(authorization, ORGANIZATION);
  while (!release) await new Promise((resolve) => setTimeout(resolve, 5));
  pass(6);
  fake.answers[CHECK] = () => problem(403, "role_too_low");
  assert.equal(await refusal(guard.check(authorization, ORGANIZATION)), "403 role_too_low");
  release();
  await late;
  assert.equal(await refusal(guard.check(authorization, ORGANIZATION)), "403 role_too_low");
  assert.equal(checks(), 2);
});

test("questions at once are limited, and 10,000 answers are kept", async (t) => {
  const { fake, auth, authorization, checks } = await open(t, { timeout: 30 });
  const [most, guard] = [{ now: 0, ever: 0 }, auth.member("developer", { maxAge: 3600 })];
  let refused = 0;
  let release;
  const full = new Promise((resolve) => (release = resolve));
  fake.answers[CHECK] = async () => {
    most.ever = Math.max(most.ever, ++most.now);
    await full;
    most.now -= 1;
    return allowed();
  };
  const found = await Promise.all(Array.from({ length: 600 }, async () => {
    const told = await refusal(auth.member().check(authorization, ORGANIZATION));
    if (told !== "passes" && ++refused === 600 - 32 - 512) release();
    return told;
  }));
  assert.equal(found.filter((each) => each === "passes").length, 32 + 512);
  assert.equal(found.filter((each) => each === "503 authapp_unavailable").length, 600 - 32 - 512);
  assert.ok(most.ever <= 32, String(most.ever));
  fake.answers[CHECK] = (req) => allowed({ "X-Auth-Organization": new URL(req.url, fake.url).searchParams.get("organization_id") });
  const organization = (number) => ORGANIZATION.slice(0, -5) + String(number).padStart(5, "0");
  for (let first = 0; first < 10_001; first += 200) {
    const numbers = Array.from({ length: Math.min(200, 10_001 - first) }, (_, number) => first + number);
    await Promise.all(numbers.map((number) => guard.check(authorization, organization(number))));
    await guard.check(authorization, organization(0)); // it is used, and stays
  }
  const asked = checks();
  await guard.check(authorization, organization(0));
  await guard.check(authorization, organization(10_000));
  assert.equal(checks(), asked);
  await guard.check(authorization, organization(1));
  assert.equal(checks(), asked + 1);
});

for (const [name, answer] of Object.entries({
  "another account": allowed({ "X-Auth-Subject": "somebody-else" }),
  "another organization": allowed({ "X-Auth-Organization": OTHER }),
  "no role": allowed({ "X-Auth-Role": "" }),
  "an unknown type": allowed({ "X-Auth-Type": "root" }),
  "200": { ...allowed(), status: 200 },
  "a redirect": { ...allowed(), status: 302 },
  "429": problem(429, "rate_limited"),
  "500": problem(500, "internal_error"),
  "no answer": null,
}))
  test(`a check that answers with ${name}: 503`, async (t) => {
    const { fake, auth, authorization } = await open(t);
    fake.answers[CHECK] = () => answer;
    const guard = auth.member("developer", { maxAge: 60 });
    assert.equal(await refusal(guard.check(authorization, ORGANIZATION)), "503 authapp_unavailable");
  });

test("nothing is asked for what is no token, and for what is no organization", async (t) => {
  const { auth, authorization, checks } = await open(t);
  const guard = auth.member("developer");
  for (const sent of [undefined, "", "Bearer", "Bearer ", "Basic YTpi", "ak_abc"])
    assert.equal(await refusal(guard.check(sent, ORGANIZATION)), "401 missing_token", String(sent));
  for (const sent of ["Bearer x", "Bearer ak_", "Bearer ak_a b", "Bearer ak_é", `Bearer ak_${"a".repeat(300)}`, `${authorization} x`])
    assert.equal(await refusal(guard.check(sent, ORGANIZATION)), "401 invalid_token", sent);
  for (const where of [undefined, "", "acme", `${ORGANIZATION}&role=viewer`, [ORGANIZATION], { toString: () => ORGANIZATION }])
    assert.equal(await refusal(guard.check(authorization, where)), "403 not_a_member");
  assert.equal(checks(), 0);
});

test("while authapp is away the last positive answer is accepted for a while, where that is wanted", async (t) => {
  const { fake, auth, authorization, checks } = await open(t, { acceptFor: 30 });
  const accepting = auth.member("developer", { maxAge: 5, onStale: "accept" });
  const refusing = auth.member("developer", { maxAge: 5 });
  await accepting.check(authorization, ORGANIZATION);
  fake.answers[CHECK] = () => null;
  pass(10);
  assert.equal(await refusal(refusing.check(authorization, ORGANIZATION)), "503 authapp_unavailable");
  const asked = checks();
  assert.equal((await accepting.check(authorization, ORGANIZATION)).role, "developer");
  assert.equal(checks(), asked); // it was away a moment ago
  assert.equal(await refusal(accepting.check(authorization, OTHER)), "503 authapp_unavailable");
  pass(19);
  assert.equal(await refusal(accepting.check(authorization, ORGANIZATION)), "passes");
  pass(2);
  assert.equal(await refusal(accepting.check(authorization, ORGANIZATION)), "503 authapp_unavailable");
});

test("while authapp is away nobody is accepted whom it has refused last, or whose token has expired", async (t) => {
  const { fake, auth, authorization } = await open(t, { onStale: "accept" });
  const guard = auth.member("developer");
  const soon = `Bearer ${await fake.token({ exp: Math.floor(Date.now() / 1000) })}`; // 5 seconds are tolerated
  await guard.check(authorization, ORGANIZATION);
  await guard.check(soon, ORGANIZATION);
  fake.answers[CHECK] = () => problem(401, "revoked_token");
  assert.equal(await refusal(guard.check(authorization, ORGANIZATION)), "401 revoked_token");
  fake.answers[CHECK] = () => null;
  assert.equal(await refusal(guard.check(authorization, ORGANIZATION)), "503 authapp_unavailable");
  assert.equal(await refusal(guard.check(soon, ORGANIZATION)), "passes");
  await new Promise((resolve) => setTimeout(resolve, 6100));
  assert.equal(await refusal(guard.check(soon, ORGANIZATION)), "401 expired_token");
});

test("with the feed, tokens of ended sessions are refused without asking", async (t) => {
  const { fake, auth, authorization } = await open(t);
  const [at, until] = [Date.now(), Date.now() + 60_000].map((time) => new Date(time).toISOString());
  const items = Array.from({ length: 250 }, (_, number) => ({ sid: `session ${number}`, at, until }));
  fake.answers[REVOCATIONS] = (req) => {
    const after = Number(new URL(req.url, fake.url).searchParams.get("after") ?? 0);
    const page = items.slice(after, after + 100);
    return { body: { items: page, next_cursor: String(after + page.length) } };
  };
  const stop = auth.followRevocations("sk_key", { interval: 0.05 });
  t.after(() => stop());
  const user = auth.user({ maxAge: null });
  assert.equal((await user.check(authorization)).subject, ACCOUNT);
  assert.equal(fake.asked.find(({ path }) => path === REVOCATIONS).authorization, "Bearer sk_key");
  const last = await fake.token({ sid: "session 249" });
  assert.equal(await refusal(auth.verify(last)), "401 revoked_token");
  assert.equal(await refusal(auth.member().check(`Bearer ${last}`, ORGANIZATION)), "401 revoked_token");
  items.push({ sub: ACCOUNT, at, until });
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(await refusal(user.check(authorization)), "401 revoked_token");
  const later = await fake.token({ iat: Math.ceil(Date.now() / 1000) + 1 });
  assert.equal(await refusal(auth.verify(later)), "passes");
  stop();
  const asked = fake.count(REVOCATIONS);
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.ok(fake.count(REVOCATIONS) <= asked + 1); // one may have been on its way
  pass(11);
  assert.equal(await refusal(auth.verify(later)), "503 authapp_unavailable");
  assert.equal(fake.count(CHECK), 0);
});

for (const [name, answer] of Object.entries({
  "401": problem(401, "invalid_service_key"),
  "an item without a time": { body: { items: [{ sid: "x" }], next_cursor: "1" } },
  "an item of nobody": { body: { items: [{ at: "2026-01-01T00:00:00Z", until: "2026-01-01T00:00:00Z" }], next_cursor: "1" } },
  "no cursor": { body: { items: [] } },
  "no answer": null,
}))
  test(`a feed that answers with ${name} is behind: 503`, async (t) => {
    const { fake, auth, authorization } = await open(t, { timeout: 0.2 });
    fake.answers[REVOCATIONS] = () => answer;
    t.after(auth.followRevocations("sk_key", { interval: 0.1 }));
    assert.equal(await refusal(auth.user({ maxAge: null }).check(authorization)), "503 authapp_unavailable");
    assert.equal(await refusal(auth.user().check(authorization)), "passes"); // authapp was asked
  });
