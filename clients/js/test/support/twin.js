// A small server that answers as authapp does: sessions whose refresh tokens are used once, with their grace time, access
// tokens that expire, problem documents, cookies of browser mode.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { passed } from "./time.js";

const GRACE = 10_000; // milliseconds
const COOKIE = "authapp_refresh";
export const PASSWORD = "SecurePassword123";

export class Twin {
  lifetime = 1800; // seconds
  reuses = 0;
  requests = [];
  #accounts = new Map();
  #sessions = new Map();
  #tokens = new Map();
  #mfaTokens = new Map();
  #invitations = new Map();
  #organizations = new Map();
  #next = new Map();

  static async start() {
    const twin = new Twin();
    twin.server = createServer((request, response) => void twin.#answer(request, response));
    await new Promise((done) => twin.server.listen(0, "127.0.0.1", done));
    twin.url = `http://127.0.0.1:${twin.server.address().port}`;
    return twin;
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((done) => this.server.close(done));
  }

  /** Somebody with an account. */
  add(email, { mfa = false } = {}) {
    const user = { id: randomUUID(), email, email_verified: true, first_name: null, last_name: null, mfa_enabled: mfa };
    this.#accounts.set(email, { user, mfa, memberships: new Map() });
    return user;
  }

  join(email, name, role) {
    const organization = { id: randomUUID(), name, slug: name.toLowerCase() };
    this.#organizations.set(organization.id, organization);
    this.#accounts.get(email).memberships.set(organization.id, role);
    return organization;
  }

  leave(email, id) {
    this.#accounts.get(email).memberships.delete(id);
  }

  forgetMfaTokens() {
    this.#mfaTokens.clear();
  }

  invite(name, role) {
    const token = randomUUID();
    this.#invitations.set(token, { id: randomUUID(), name, slug: name.toLowerCase(), role });
    return token;
  }

  /** End all sessions, as a change of the password elsewhere does. */
  endSessions() {
    for (const session of this.#sessions.values()) session.isLive = false;
  }

  get liveSessions() {
    return [...this.#sessions.values()].filter((session) => session.isLive).length;
  }

  /**
   * Answer the next request of a path in another way.
   * @param how gets the answer that would be sent, as a function, and `reply` and `drop`
   */
  next(path, how) {
    this.#next.set(path, [...(this.#next.get(path) ?? []), how]);
  }

  count(path) {
    return this.requests.filter((request) => request.path === path).length;
  }

  async #answer(request, response) {
    const { pathname: path } = new URL(request.url, this.url);
    let text = "";
    for await (const chunk of request) text += chunk;
    const asked = { method: request.method, path, url: request.url, headers: request.headers, text };
    this.requests.push(asked);
    const process = () => {
      try {
        return this.#process(asked, text ? JSON.parse(text) : {});
      } catch (error) {
        if (!error.problem) throw error;
        return error.problem;
      }
    };
    const reply = ({ status = 200, headers = {}, body }) => {
      response.writeHead(status, { "X-Request-ID": "request-1", ...headers });
      response.end(body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body));
    };
    const how = this.#next.get(path)?.shift();
    if (how) await how({ process, reply, drop: () => request.socket.destroy() });
    else reply(process());
  }

  #process({ method, path, headers }, body) {
    const route = `${method} ${path.replace(/^\/api\/v1/, "")}`;
    const isBrowser = headers["authapp-client"] === "browser";
    const cookie = isBrowser ? (headers.cookie ?? "").match(`${COOKIE}=([^;]+)`)?.[1] : undefined;
    switch (route) {
      case "POST /auth/login": {
        const account = this.#accounts.get(body.email);
        if (!account || body.password !== PASSWORD) fail(401, "wrong_credentials");
        if (account.mfa) this.#askForFactor(account);
        return this.#begin(account, isBrowser);
      }
      case "POST /auth/login/mfa": {
        const account = this.#mfaTokens.get(body.mfa_token);
        if (!account) fail(401, "invalid_mfa_token");
        if (body.code !== "123456" && !body.passkey) fail(401, "wrong_code");
        this.#mfaTokens.delete(body.mfa_token);
        return this.#begin(account, isBrowser);
      }
      case "POST /auth/sso/exchange": {
        const account = this.#accounts.get(body.code);
        if (!account) fail(401, "invalid_sso_code");
        if (account.mfa) this.#askForFactor(account);
        return this.#begin(account, isBrowser);
      }
      case "POST /auth/login/passkey":
        return this.#begin(this.#accounts.get("ada@example.com"), isBrowser);
      case "POST /auth/register": {
        if (this.isSafe) return { status: 202, body: {} };
        this.add(body.email);
        const organization = body.organization_name && this.join(body.email, body.organization_name, "admin");
        return this.#begin(this.#accounts.get(body.email), isBrowser, organization && { ...organization, role: "admin" });
      }
      case "POST /auth/refresh":
        return this.#refresh(isBrowser ? cookie : body.refresh_token, isBrowser);
      case "POST /auth/logout": {
        const session = this.#ofRefreshToken(cookie ?? body.refresh_token) ?? this.#authenticate(headers);
        session.isLive = false;
        if (body.everywhere) this.endSessions();
        return { status: 204, headers: isBrowser ? { "Set-Cookie": `${COOKIE}=; Max-Age=0` } : {} };
      }
      case "GET /auth/me": {
        const { user, memberships } = this.#authenticate(headers).account;
        const items = [...memberships].map(([id, role]) => {
          const permissions = role === "viewer" ? ["models.read"] : ["models.deploy", "models.read"];
          return { organization: this.#organizations.get(id), role, permissions };
        });
        return { body: { ...user, memberships: items, memberships_truncated: false } };
      }
      case "POST /auth/reauthenticate":
        if (body.password !== PASSWORD) fail(401, "wrong_credentials");
        this.#authenticate(headers).isRecent = true;
        return { body: { auth_time: "2026-01-01T00:00:00Z", amr: ["pwd"] } };
      case "POST /invitations/accept": {
        const { account } = this.#authenticate(headers);
        const invited = this.#invitations.get(body.token);
        if (!invited) fail(410, "invalid_invitation");
        const { role, ...organization } = invited;
        this.#organizations.set(organization.id, organization);
        account.memberships.set(organization.id, role);
        return { body: invited };
      }
      case "POST /guarded":
        if (!this.#authenticate(headers).isRecent) fail(401, "reauthentication_required");
        return { body: { guarded: true } };
      case "POST /public":
        return { body: { authorization: headers.authorization ?? null } };
      default: {
        const { account } = this.#authenticate(headers);
        const id = path.match(/^\/api\/v1\/organizations\/([^/]+)$/)?.[1];
        const role = account.memberships.get(id);
        if (id && !role) fail(403, "not_a_member");
        return { body: id ? { ...this.#organizations.get(id), role } : { account: account.user.email } };
      }
    }
  }

  #askForFactor(account) {
    const mfa_token = randomUUID();
    this.#mfaTokens.set(mfa_token, account);
    fail(401, "mfa_required", { mfa_token, methods: ["code", "recovery_code"], expires_in: 300 });
  }

  #begin(account, isBrowser, organization = null) {
    const session = { id: randomUUID(), account, isLive: true, current: randomUUID(), previous: null, rotated: passed() };
    this.#sessions.set(session.id, session);
    return this.#issue(session, isBrowser, organization);
  }

  #issue(session, isBrowser, organization = null) {
    const access_token = randomUUID();
    this.#tokens.set(access_token, { session, expires: passed() + this.lifetime * 1000 });
    const refresh_token = `${session.id}.${session.current}`;
    const body = {
      access_token, token_type: "Bearer", expires_in: this.lifetime, refresh_expires_in: 604800,
      user: session.account.user, organization,
    };
    return isBrowser
      ? { body, headers: { "Set-Cookie": `${COOKIE}=${refresh_token}; HttpOnly` } }
      : { body: { ...body, refresh_token } };
  }

  #refresh(token, isBrowser) {
    if (!token) fail(401, "missing_token");
    const [id, presented] = token.split(".");
    const session = this.#sessions.get(id);
    if (!session?.isLive) fail(401, "revoked_token");
    if (presented === session.current) {
      Object.assign(session, { previous: presented, current: randomUUID(), rotated: passed() });
    } else if (presented !== session.previous || passed() > session.rotated + GRACE) {
      session.isLive = false;
      this.reuses++;
      fail(401, "refresh_token_reused");
    }
    return this.#issue(session, isBrowser);
  }

  #ofRefreshToken(token) {
    return token && this.#sessions.get(token.split(".")[0]);
  }

  #authenticate(headers) {
    const token = (headers.authorization ?? "").replace("Bearer ", "");
    if (!token) fail(401, "missing_token");
    const found = this.#tokens.get(token);
    if (!found) fail(401, "invalid_token");
    if (passed() > found.expires) fail(401, "expired_token");
    if (!found.session.isLive) fail(401, "revoked_token");
    return found.session;
  }
}

function fail(status, code, more = {}) {
  throw Object.assign(new Error(code), { problem: problem(status, code, more) });
}

/** An answer from 400 up. */
export function problem(status, code, more = {}, headers = {}) {
  const body = { type: `/problems/${code}`, title: code, status, detail: `It is ${code}.`, code, request_id: "request-1", ...more };
  return { status, headers: { "Content-Type": "application/problem+json", ...headers }, body };
}
