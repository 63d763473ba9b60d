import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { exportSPKI } from "jose";
import { Authapp } from "../dist/index.js";
import { newKey, openAuthapp, pass, refusal } from "./support/fake.js";

const JWKS = "/.well-known/jwks.json";
const DISCOVERY = "/.well-known/oauth-authorization-server";
const b64 = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
console.warn = () => {};

test("a token is verified with the key of its kid, and the keys are fetched once", async (t) => {
  const fake = await openAuthapp(t);
  const auth = new Authapp(fake.url);
  const tokens = await Promise.all(Array.from({ length: 20 }, () => fake.token()));
  const found = await Promise.all(tokens.map((token) => auth.verify(token)));
  assert.deepEqual(found[0], { ...fake.claims(), iat: found[0].iat, exp: found[0].exp });
  assert.equal((await auth.verify(await fake.token({ type: "workload" }))).type, "workload");
  assert.deepEqual([fake.count(DISCOVERY), fake.count(JWKS)], [1, 1]);
});

for (const algorithm of ["RS256", "EdDSA"])
  test(`a token that is signed with ${algorithm} is verified`, async (t) => {
    const fake = await openAuthapp(t);
    fake.key = await newKey("other", algorithm);
    assert.equal((await new Authapp(fake.url).verify(await fake.token())).sid, "a-session");
  });

test("forged tokens are refused", async (t) => {
  const fake = await openAuthapp(t);
  const auth = new Authapp(fake.url);
  const good = await fake.token();
  const [header, payload, signature] = good.split(".");
  const { iat } = fake.claims();
  const hmac = (secret, alg) => {
    const text = `${b64({ alg, kid: "first", typ: "at+jwt" })}.${payload}`;
    return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
  };
  const without = (name) => fake.token({ [name]: undefined });
  const tokens = {
    "alg none": `${b64({ alg: "none", kid: "first", typ: "at+jwt" })}.${payload}.`,
    "alg none with the signature": `${b64({ alg: "none", kid: "first", typ: "at+jwt" })}.${payload}.${signature}`,
    "HS256 with the public key": hmac(await exportSPKI(fake.key.publicKey), "HS256"),
    "HS256 with the x of the key": hmac(fake.key.jwk.x, "HS256"),
    "HS256 that says ES256": hmac(await exportSPKI(fake.key.publicKey), "ES256"),
    "RS256 of another key with this kid": await fake.token({}, { kid: "first" }, await newKey("rsa", "RS256")),
    "another key": await fake.token({}, {}, await newKey("first")),
    "an unknown kid": await fake.token({}, { kid: "unknown" }),
    "no kid": await fake.token({}, { kid: undefined }),
    "a kid that is a number": await fake.token({}, { kid: 1 }),
    "a kid of Object": await fake.token({}, { kid: "__proto__" }),
    "a key in the header": await fake.token({}, { kid: "own", jwk: fake.key.jwk, jku: "http://localhost/" }),
    "typ JWT": await fake.token({}, { typ: "JWT" }),
    "typ of a refresh token": await fake.token({}, { typ: "rt+jwt" }),
    "no typ": await fake.token({}, { typ: undefined }),
    "crit": `${b64({ alg: "ES256", kid: "first", typ: "at+jwt", crit: ["exp"], exp: 1 })}.${payload}.${signature}`,
    "another iss": await fake.token({ iss: "https://evil.example.com" }),
    "another aud": await fake.token({ aud: "another" }),
    "several aud": await fake.token({ aud: ["authapp", "another"] }),
    "type refresh": await fake.token({ type: "refresh" }),
    "iat in the future": await fake.token({ iat: iat + 3600 }),
    "nbf in the future": await fake.token({ nbf: iat + 3600 }),
    "exp is text": await fake.token({ exp: "tomorrow" }),
    "iat is no integer": await fake.token({ iat: iat + 0.5 }),
    "sub is empty": await fake.token({ sub: "" }),
    "sid is a list": await fake.token({ sid: ["a-session"] }),
    "another payload": `${header}.${b64({ ...fake.claims(), sub: "x" })}.${signature}`,
    "no signature": `${header}.${payload}.`,
    "padding": `${header}=.${payload}.${signature}`,
    "a line": `${good}\n`,
    "two parts": `${header}.${payload}`,
    "too long": await fake.token({ more: "x".repeat(5000) }),
    "nonsense": "nonsense",
    "no text": undefined,
    "a header that is a list": `${b64([])}.${payload}.${signature}`,
    "a header that is deep": `${b64("[".repeat(2000))}.${payload}.${signature}`,
  };
  for (const name of ["iss", "aud", "exp", "iat", "sub", "sid", "jti", "type"]) tokens[`no ${name}`] = await without(name);
  await auth.verify(good);
  for (const [name, token] of Object.entries(tokens))
    assert.equal(await refusal(auth.verify(token)), "401 invalid_token", name);
  assert.equal(await refusal(auth.verify(await fake.token({ iat: iat - 600, exp: iat - 6 }))), "401 expired_token");
  assert.equal(fake.count(JWKS), 1);
});

test("a storm of unknown kids fetches the keys every 30 seconds at most, and a new key is found", async (t) => {
  const fake = await openAuthapp(t);
  const auth = new Authapp(fake.url);
  await auth.verify(await fake.token());
  const storm = async () => {
    const tokens = await Promise.all(Array.from({ length: 50 }, (_, kid) => fake.token({}, { kid: `kid ${kid}` })));
    return new Set(await Promise.all(tokens.map((token) => refusal(auth.verify(token)))));
  };
  assert.deepEqual([await storm(), fake.count(JWKS)], [new Set(["401 invalid_token"]), 1]);
  pass(31);
  fake.key = await newKey("second");
  assert.deepEqual([await storm(), fake.count(JWKS)], [new Set(["401 invalid_token"]), 2]);
  assert.ok(await auth.verify(await fake.token()));
  assert.equal(fake.count(JWKS), 2);
});

test("the last good keys are used while authapp is away, and a key that was withdrawn is not kept for ever", async (t) => {
  const fake = await openAuthapp(t);
  const auth = new Authapp(fake.url, { timeout: 0.5 });
  const token = await fake.token();
  await auth.verify(token);
  fake.answers[DISCOVERY] = () => ({ status: 500 });
  pass(301);
  assert.ok(await auth.verify(token));
  assert.equal(await refusal(auth.verify(await fake.token({}, { kid: "unknown" }))), "503 authapp_unavailable");
  delete fake.answers[DISCOVERY];
  fake.key = await newKey("second");
  pass(31);
  assert.equal(await refusal(auth.verify(token)), "401 invalid_token");
  assert.ok(await auth.verify(await fake.token()));
});

const own = (fake) => fake.key.jwk;
const ANSWERS = {
  "no discovery": [DISCOVERY, () => ({ status: 404 })],
  "discovery of another issuer": [DISCOVERY, (fake) => ({ body: { issuer: "https://x", jwks_uri: fake.url + JWKS } })],
  "keys over plain HTTP": [DISCOVERY, (fake) => ({ body: { issuer: fake.url, jwks_uri: "http://192.0.2.1/keys" } })],
  "a file of keys": [DISCOVERY, (fake) => ({ body: { issuer: fake.url, jwks_uri: "file:///etc/passwd" } })],
  "a redirect of discovery": [DISCOVERY, (fake) => ({ status: 302, headers: { Location: `${fake.url}/moved` } })],
  "a redirect of the keys": [JWKS, (fake) => ({ status: 307, headers: { Location: `${fake.url}/moved` } })],
  "huge keys": [JWKS, (fake) => ({ body: { keys: [own(fake)], more: "x".repeat(300_000) } })],
  "keys without an end": [JWKS, () => new Promise(() => {})],
  "no keys, as with HS256": [JWKS, () => ({ body: { keys: [] } })],
  "keys that are no list": [JWKS, () => ({ body: { keys: { 0: 1 } } })],
  "no JSON": [JWKS, () => ({ raw: "<h1>Sign in to this hotel</h1>" })],
  "a secret": [JWKS, (fake) => ({ body: { keys: [{ kty: "oct", kid: "first", alg: "HS256", k: own(fake).x }] } })],
  "a key of another type": [JWKS, (fake) => ({ body: { keys: [{ ...own(fake), alg: "RS256" }] } })],
  "a key for encryption": [JWKS, (fake) => ({ body: { keys: [{ ...own(fake), use: "enc" }] } })],
  "keys that are broken": [JWKS, (fake) => ({ body: { keys: [null, 1, { ...own(fake), x: "!" }] } })],
  "a closed connection": [JWKS, () => null],
};
for (const [name, [path, answer]] of Object.entries(ANSWERS))
  test(`${name}: 503`, async (t) => {
    const fake = await openAuthapp(t);
    fake.answers[path] = () => answer(fake);
    fake.answers["/moved"] = () => ({ body: { keys: [own(fake)], issuer: fake.url, jwks_uri: fake.url + JWKS } });
    const auth = new Authapp(fake.url, { timeout: 0.3 });
    assert.equal(await refusal(auth.verify(await fake.token())), "503 authapp_unavailable");
    assert.equal(fake.count("/moved"), 0);
    delete fake.answers[path];
    pass(1.1);
    assert.ok(await auth.verify(await fake.token()));
  });

test("addresses have to be https, but for localhost", () => {
  for (const url of ["https://auth.example.com", "https://example.com/auth/", "http://localhost:5000", "http://[::1]:1"])
    assert.ok(new Authapp(url));
  assert.ok(new Authapp("http://authapp:5000", { insecure: true }));
  for (const url of [
    "http://auth.example.com", "http://localhost.example.com", "ftp://localhost", "auth.example.com", "",
    "https://a:b@example.com", "https://example.com?x", "javascript:1",
  ])
    assert.throws(() => new Authapp(url), TypeError, url);
});

test("misspelt options are refused", () => {
  const auth = new Authapp("https://auth.example.com");
  assert.throws(() => new Authapp("https://auth.example.com", { audiences: "x" }), TypeError);
  assert.throws(() => new Authapp("https://auth.example.com", { onStale: "acept" }), TypeError);
  assert.throws(() => auth.express.member("developer", { permision: "models.deploy" }), TypeError);
  assert.throws(() => auth.express.user({ maxage: 5 }), TypeError);
});
