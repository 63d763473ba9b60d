import { chosenOf, remember } from "./chosen.js";
import { ApiError } from "./errors.js";
import { createHttp } from "./http.js";
import { choosePasskey, isSupported, makePasskey } from "./passkeys.js";
import { createReauthentication } from "./reauthentication.js";
import { createTokens } from "./tokens.js";
import type { Call, Client, ClientOptions, Factor, Organization, Passkey, Reauthentication, RoleName, Schemas, State } from "./types.js";

const AUTH = "/api/v1/auth";
const ON_WAKING = 60; // seconds
const ROLES: RoleName[] = ["viewer", "developer", "admin"];
const NOBODY = { user: null, memberships: [], organization: null, mfa: null } satisfies Partial<State>;
const SIGNED_OUT: State = { status: "signed_out", ...NOBODY };

interface Options {
  path?: Record<string, string>;
  query?: Record<string, unknown>;
  body?: unknown;
  signal?: AbortSignal;
}

export function createClient(options: ClientOptions = {}): Client {
  const http = createHttp(options);
  const tokens = createTokens(http, options.storage ?? "cookie", changed);
  const reauthentication = createReauthentication();
  const { roles = ROLES } = options;
  const listeners = new Set<(state: State) => void>();
  let state: State = { status: "loading", ...NOBODY };
  let settling: Promise<State> | null = null;
  let mfaToken: string | null = null;
  let hasStarted = false;
  let uses = 0; // calls of organization.use

  function publish(next: State): State {
    if (JSON.stringify(next) !== JSON.stringify(state)) {
      state = next;
      for (const listener of [...listeners]) {
        try {
          listener(state);
        } catch (error) {
          (globalThis.reportError ?? console.error)(error); // it must not keep a sign-out from being sent
        }
      }
    }
    return state;
  }

  /** The account of the tokens is another one now, or nobody's. */
  function changed(account: string | null) {
    if (!account) {
      if (state.status !== "mfa_required") publish(SIGNED_OUT);
      return;
    }
    if (state.status === "signed_in" && state.user.id !== account) publish({ status: "loading", ...NOBODY });
    if (state.status !== "signed_in") reload().catch(() => {}); // or on waking
  }

  function reload(): Promise<State> {
    settling ??= settle().finally(() => (settling = null));
    return settling;
  }

  async function settle(): Promise<State> {
    if (!tokens.account()) await tokens.refresh();
    const account = tokens.account();
    if (!account) return state;
    const chosen = state.organization;
    const waiting = mfaToken;
    try {
      const [me, found] = await Promise.all([
        json<Schemas["Me"]>("GET", `${AUTH}/me`),
        readChosen(state.status === "signed_in" ? chosen?.id : chosenOf(account)),
      ]);
      const organization = found ?? (await readOnly(account, me));
      if (tokens.account() !== account) return settle();
      if (mfaToken && mfaToken !== waiting) return state; // a sign-in has begun, and waits for its second factor
      if (state.organization?.id !== chosen?.id) return settle();
      const { memberships, memberships_truncated: _, ...user } = me;
      if (!found && organization) remember(account, organization.id);
      mfaToken = null;
      return publish({ status: "signed_in", user, memberships, organization, mfa: null });
    } catch (error) {
      if (tokens.account() === account) throw error;
      return tokens.account() ? settle() : state;
    }
  }

  const start = () => (state.status === "loading" ? reload() : Promise.resolve(state));

  /** Send a request with the token: one that is still valid, and another one where the API says that it has expired. */
  async function withToken<Answer>(account: string | null, send: (token: string | null) => Promise<Answer>) {
    await tokens.refreshBefore();
    if (tokens.account() !== account) {
      throw new ApiError("missing_token", "Whoever made this call is not signed in any more.", 401);
    }
    const token = tokens.token();
    try {
      return await send(token);
    } catch (error) {
      if (!token || !hasExpired(error)) throw error;
      if (tokens.token() === token) await tokens.refresh();
      if (tokens.account() !== account) throw error;
      return send(tokens.token());
    }
  }

  /** The same, and again where the person had to authenticate first. */
  function authorized<Answer>(send: (token: string | null) => Promise<Answer>): Promise<Answer> {
    const account = tokens.account();
    return reauthentication.repeat(() => withToken(account, send));
  }

  const json = <Answer>(method: string, path: string, body?: unknown, signal?: AbortSignal) =>
    authorized((token) => http.send<Answer>(method, path, { body, token, ...(signal && { signal }) }));

  async function fetch(path: string | URL, init: RequestInit = {}): Promise<Response> {
    http.addressOf(path);
    if (state.status === "loading") await start();
    let refused: unknown;
    return authorized(async (token) => {
      if (refused) throw refused;
      try {
        return await http.request(path, init, token);
      } catch (error) {
        if (init.body instanceof ReadableStream) refused = error; // it has been read, and cannot be sent again
        throw error;
      }
    });
  }

  async function call(method: string, path: string, { path: parts = {}, query = {}, body, signal }: Options = {}) {
    if (state.status === "loading") await start();
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => segment(parts[name], name));
    const pairs = Object.entries(query).filter(([, value]) => value != null);
    const search = String(new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])));
    return json(method, search ? `${filled}?${search}` : filled, body, signal);
  }

  /** Sign in, or learn that a second factor is missing, or that an email has been sent in place of a session. */
  async function enter(path: string, body: unknown): Promise<State> {
    try {
      const isSignedIn = await tokens.signIn(`${AUTH}${path}`, body, ({ user, organization }) => {
        if (organization) remember(user.id, organization.id); // it was made by this very call
      });
      if (isSignedIn || tokens.account()) return await reload();
      return publish(SIGNED_OUT);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.code !== "mfa_required") throw error;
      const { mfa_token, methods } = error.body as Schemas["MfaRequired"];
      mfaToken = mfa_token;
      return publish({ status: "mfa_required", ...NOBODY, mfa: { methods } });
    }
  }

  function cancelMfa() {
    mfaToken = null;
    if (state.status !== "mfa_required") return;
    publish(SIGNED_OUT);
    if (tokens.account()) reload().catch(() => {}); // who was signed in before, and is still
  }

  async function verifyMfa(factor: Factor): Promise<State> {
    const mfa_token = mfaToken;
    try {
      const sent = "passkey" in factor
        ? { passkey: await choosePasskey(await http.send("POST", `${AUTH}/login/mfa/passkey`, { body: { mfa_token } })) }
        : factor;
      return await enter("/login/mfa", { mfa_token, ...sent });
    } catch (error) {
      const hasEnded = error instanceof ApiError && error.code === "invalid_mfa_token";
      if (hasEnded && mfa_token === mfaToken) cancelMfa(); // else another one has begun
      throw error;
    }
  }

  const passkeyOptions = () => http.send<Schemas["PasskeySignIn"]>("POST", `${AUTH}/login/passkey/options`);

  async function reauthenticate(factor: Reauthentication): Promise<void> {
    const sent = "passkey" in factor ? { passkey: await choosePasskey((await passkeyOptions()).options) } : factor;
    await json("POST", `${AUTH}/reauthenticate`, sent);
  }

  const passkeys = {
    isSupported,
    async signIn() {
      const { challenge_id, options } = await passkeyOptions();
      return enter("/login/passkey", { challenge_id, passkey: await choosePasskey(options) });
    },
    list: async () => (await json<Schemas["Passkeys"]>("GET", `${AUTH}/passkeys`)).items,
    async add(name?: string) {
      const made = await json<Schemas["PasskeyRegistration"]>("POST", `${AUTH}/passkeys/options`);
      const passkey = await makePasskey(made.options);
      const body = { challenge_id: made.challenge_id, passkey, ...(name && { name }) };
      return json<Passkey>("POST", `${AUTH}/passkeys`, body);
    },
    rename: async (id: string, name: string) =>
      json<Passkey>("PATCH", `${AUTH}/passkeys/${segment(id)}`, { name }),
    remove: async (id: string) => json<void>("DELETE", `${AUTH}/passkeys/${segment(id)}`),
  };

  async function signOut({ everywhere = false } = {}): Promise<void> {
    mfaToken = null;
    publish(SIGNED_OUT);
    await tokens.signOut(everywhere);
  }

  async function acceptInvitation(token: string): Promise<Organization> {
    const organization = await json<Organization>("POST", "/api/v1/invitations/accept", { token });
    await settling?.catch(() => null); // which may have been read before
    await reload();
    return organization;
  }

  const readOrganization = async (id: string) => json<Organization>("GET", `/api/v1/organizations/${segment(id)}`);

  async function readChosen(id: string | null | undefined): Promise<Organization | null> {
    if (!id) return null;
    return readOrganization(id).catch((error: ApiError | TypeError) => {
      if (error instanceof TypeError || [403, 404, 422].includes(error.status)) return null; // not a member any more, or never an id
      throw error;
    });
  }

  /** The only organization there is, unless the person has chosen none. */
  async function readOnly(account: string, { memberships, memberships_truncated }: Schemas["Me"]) {
    const [only, second] = memberships;
    const isOnly = !second && !memberships_truncated && chosenOf(account) !== null;
    return isOnly ? readChosen(only?.organization.id) : null;
  }

  async function use(id: string | null): Promise<Organization | null> {
    const account = tokens.account();
    const mine = ++uses;
    const organization = id ? await readOrganization(id) : null;
    if (mine !== uses || state.status !== "signed_in" || state.user.id !== account) return null;
    remember(account, id);
    publish({ ...state, organization });
    if (organization && !membership()) await reload(); // it is new, and its permissions are not known
    return organization;
  }

  const membership = () => state.memberships.find(({ organization }) => organization.id === state.organization?.id);

  function can(name: RoleName): boolean {
    if (name.includes(".")) return membership()?.permissions.includes(name) ?? false;
    return roles.includes(name) && roles.indexOf(state.organization?.role ?? "") >= roles.indexOf(name);
  }

  const events = new AbortController();
  for (const type of ["visibilitychange", "pageshow", "online", "focus"]) {
    const target = type === "visibilitychange" ? globalThis.document : globalThis.window;
    target?.addEventListener(type, wake, { signal: events.signal });
  }

  /** The page is used again, perhaps after hours. */
  function wake(event: Event) {
    if (document.visibilityState === "hidden") return;
    const { status } = state;
    const isRestored = (event as PageTransitionEvent).persisted; // it has missed what other tabs said
    const isUnknown = tokens.account() ? status === "loading" || status === "signed_out" : status === "loading" && hasStarted;
    void (isRestored || isUnknown ? reload() : tokens.refreshBefore(ON_WAKING)).catch(() => {}); // the next call tells
  }

  return {
    get state() {
      return state;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    start() {
      hasStarted = true;
      return start();
    },
    signIn: (credentials) => enter("/login", credentials),
    register: (account) => enter("/register", account),
    exchangeSsoCode: (exchange) => enter("/sso/exchange", exchange),
    verifyMfa,
    cancelMfa,
    signOut,
    acceptInvitation,
    reauthenticate,
    onReauthenticationRequired: reauthentication.register,
    reload,
    passkeys,
    fetch,
    call: call as Call,
    organization: {
      get current() {
        return state.organization;
      },
      use,
    },
    roles,
    can,
    close() {
      events.abort();
      tokens.close();
    },
  };
}

/** Whether a call has failed because its token is not live any more. A service beside authapp may say so in its own way. */
const hasExpired = (error: unknown): boolean =>
  error instanceof ApiError &&
  error.status === 401 &&
  ["expired_token", "revoked_token", "invalid_token", "network"].includes(error.code);

/** An id in a path. An empty one, and dots, which a browser takes for folders, would lead to another route. */
function segment(id: string | undefined, name = "id"): string {
  if (!id || /^\.\.?$/.test(id)) throw new TypeError(`${name} cannot be ${JSON.stringify(id)}.`);
  return encodeURIComponent(id);
}
