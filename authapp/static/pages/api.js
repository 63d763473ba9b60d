// Calls of the JSON API in browser mode. The access token is in this variable only, the refresh token in a cookie that
// no script can read.
/** @type {string | null} */
let accessToken = null;
/** @type {Promise<object | null> | null} */
let refreshing = null;

/** An answer from 400 up (RFC 9457), or no answer: `code` is "network". */
export class Problem extends Error {
  /**
   * @param {Record<string, any>} document
   * @param {string | null} [retryAfter]
   */
  constructor(document, retryAfter) {
    super(document.detail);
    this.code = document.code;
    this.status = document.status;
    this.detail = document.detail;
    /** @type {Record<string, string[]>} */
    this.fields = document.errors?.json ?? {};
    this.document = document;
    this.retryAfter = Number(retryAfter) || 0;
  }
}

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
 * Call the API as the account that is signed in. An access token that has expired is replaced once.
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 */
export async function callSignedIn(method, path, body) {
  if (!accessToken) await refresh();
  try {
    return await send(method, path, body, accessToken);
  } catch (problem) {
    if (problem.code !== "expired_token") throw problem;
    await refresh();
    return send(method, path, body, accessToken);
  }
}

/**
 * Use the refresh cookie. Callers at the same time share one request.
 * @returns {Promise<any>} the session, null where nobody is signed in
 */
export function refresh() {
  refreshing ??= send("POST", "/auth/refresh", undefined, null)
    .then(keep)
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
  return session;
}

/** End the session of the refresh cookie. */
export async function signOut() {
  accessToken = null;
  await call("POST", "/auth/logout").catch((problem) => {
    if (problem.status !== 401) throw problem; // it had ended
  });
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
