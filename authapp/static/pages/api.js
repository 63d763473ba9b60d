// Calls of the JSON API in browser mode. The access token is in this variable only, the refresh token in a cookie that
// no script can read.
import { Problem } from "./problem.js";

/** @type {string | null} */
let accessToken = null;
/** @type {string | null} the account whose page this is */
let account = null;
/** @type {Promise<object | null> | null} */
let refreshing = null;
// What the tabs of this origin tell each other, hosted pages and front ends that use @authapp/client.
const tabs = new BroadcastChannel(`authapp ${location.origin}`);
tabs.onmessage = ({ data }) => {
  if (data.type === "signed_out" && account) reload();
};

/**
 * Call the API without an access token.
 * @param {string} method
 * @param {string} path below /api/v1
 * @param {object} [body]
 * @returns {Promise<any>} the JSON of the answer, null for a 204
 */
export async function call(method, path, body) {
  await refreshing?.catch(() => null); // whose cookie would replace the one of this call
  return send(method, path, body, null);
}

/**
 * Call the API as the account that is signed in. An access token that has expired is replaced once; where that ends
 * with another account, or none, the page is loaded again and the call never sent as another.
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 */
export async function callSignedIn(method, path, body) {
  if (!accessToken) await renew();
  try {
    return await send(method, path, body, accessToken);
  } catch (problem) {
    if (problem.code !== "expired_token") throw problem;
    await renew();
    return send(method, path, body, accessToken);
  }
}

async function renew() {
  if (!(await refresh()) && account) await reload();
}

/** Load the page again, for whoever is signed in now. What waits for it stays busy. */
function reload() {
  location.reload();
  return new Promise(() => {});
}

/**
 * Use the refresh cookie. Callers at the same time share one request. The cookie may be of another account by now, that
 * has signed in in another tab: the page is loaded again.
 * @returns {Promise<any>} the session, null where nobody is signed in
 */
export function refresh() {
  refreshing ??= send("POST", "/auth/refresh", undefined, null)
    .then((session) => (account && session.user.id !== account ? reload() : keep(session)))
    .catch((problem) => {
      if (problem.status !== 401) throw problem;
      accessToken = null;
      return null;
    })
    .finally(() => (refreshing = null));
  return refreshing;
}

/**
 * Keep the access token of a session that a call has answered.
 * @param {any} session
 */
export function keep(session) {
  accessToken = session.access_token;
  account = session.user.id;
  return session;
}

/** End the session of the refresh cookie, and tell the other tabs. */
export async function signOut() {
  accessToken = null;
  account = null;
  await call("POST", "/auth/logout").catch((problem) => {
    if (problem.status !== 401) throw problem; // it had ended
  });
  tabs.postMessage({ type: "signed_out" });
}

/**
 * @param {string} method
 * @param {string} path
 * @param {object | undefined} body
 * @param {string | null} token
 */
async function send(method, path, body, token) {
  /** @type {Record<string, string>} */
  const headers = { "Authapp-Client": "browser" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (token) headers.Authorization = `Bearer ${token}`;
  let response;
  let answer;
  try {
    response = await fetch(`/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
    const said = await response.text();
    answer = said ? JSON.parse(said) : null;
  } catch {
    throw new Problem({ code: "network", status: 0, detail: "No answer." });
  }
  if (!response.ok) throw new Problem(answer, response.headers.get("Retry-After"));
  return answer;
}
