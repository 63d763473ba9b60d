// A small authapp, whose answers a test can replace, and which counts what it is asked.
import { createServer } from "node:http";
import { exportJWK, generateKeyPair, SignJWT } from "jose";

export const ORGANIZATION = "019aab1c-7d3e-7a40-9a55-000000000001";
export const ACCOUNT = "019aab1c-7d3e-7a40-9a55-000000000002";
const JWKS = "/.well-known/jwks.json";
const DISCOVERY = "/.well-known/oauth-authorization-server";

export async function newKey(kid, algorithm = "ES256") {
  const pair = await generateKeyPair(algorithm, { extractable: true });
  return { ...pair, kid, algorithm, jwk: { ...(await exportJWK(pair.publicKey)), kid, alg: algorithm, use: "sig" } };
}

export async function openAuthapp(t) {
  const fake = { key: await newKey("first"), asked: [], answers: {} };
  const server = createServer(async (req, res) => {
    const { pathname } = new URL(req.url, fake.url);
    fake.asked.push({ path: pathname, url: req.url, authorization: req.headers.authorization });
    const answer = await (fake.answers[pathname] ?? defaults[pathname] ?? (() => ({ status: 404 })))(req);
    if (!answer) return res.destroy();
    res.writeHead(answer.status ?? 200, answer.headers);
    res.end(answer.raw ?? (answer.body === undefined ? undefined : JSON.stringify(answer.body)));
  });
  const defaults = {
    [DISCOVERY]: () => ({ body: { issuer: fake.url, jwks_uri: fake.url + JWKS } }),
    [JWKS]: () => ({ body: { keys: [fake.key.jwk] } }),
    "/api/v1/auth/check": () => allowed(),
  };
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  fake.url = `http://127.0.0.1:${server.address().port}`;
  fake.count = (path) => fake.asked.filter((each) => each.path.endsWith(path)).length;
  fake.close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  t.after(fake.close);
  fake.claims = () => {
    const now = Math.floor(Date.now() / 1000);
    return {
      iss: fake.url, aud: "authapp", sub: ACCOUNT, sid: "a-session", jti: "a-token", type: "access", iat: now, exp: now + 600,
    };
  };
  fake.token = (claims = {}, header = {}, key = fake.key) =>
    new SignJWT({ ...fake.claims(), ...claims })
      .setProtectedHeader({ alg: key.algorithm, kid: key.kid, typ: "at+jwt", ...header })
      .sign(key.privateKey);
  return fake;
}

export function allowed(changed = {}) {
  const headers = {
    "X-Auth-Subject": ACCOUNT, "X-Auth-Type": "user", "X-Auth-Session": "a-session",
    "X-Auth-Organization": ORGANIZATION, "X-Auth-Role": "developer", ...changed,
  };
  return { status: 204, headers: Object.fromEntries(Object.entries(headers).filter(([, value]) => value)) };
}

export function problem(status, code) {
  return { status, headers: { "Content-Type": "application/problem+json" }, body: { status, code, detail: "No." } };
}

let shift = 0;
const now = performance.now.bind(performance);
performance.now = () => now() + shift;

/** Let so many seconds pass, for what is kept. Tokens do not grow older. */
export function pass(seconds) {
  shift += seconds * 1000;
}

/** What is thrown, as one text. */
export function refusal(promise) {
  return promise.then(
    () => "passes",
    (error) => `${error.status} ${error.code}`,
  );
}
