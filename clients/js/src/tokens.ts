import { now, since, type Moment } from "./clock.js";
import { ApiError } from "./errors.js";
import type { Http } from "./http.js";
import { store, stored } from "./storage.js";
import { createTabs, type Message, type Tabs } from "./tabs.js";
import type { ClientOptions, Session } from "./types.js";

const REFRESH_TOKEN = "authapp.refresh_token"; // in localStorage, with storage "local"
const SOON = 10; // seconds: a token that expires so soon is replaced before a call
const SENT = "authapp.refresh_sent"; // in localStorage: the time of a refresh that has no answer yet
const LEFT_BEHIND = 1_000; // milliseconds for which the refresh of a page that was left is waited for
const OTHER_TAB = 3_000; // milliseconds for which the refresh or the sign-in of another tab is waited for
const STEP = 300; // milliseconds after which its lock is tried again

interface AccessToken {
  account: string;
  token: string;
  seconds: number;
  since: Moment;
}

/**
 * The tokens of whoever is signed in.
 * @param changed is called with the account that has signed in, here or in another tab, or null.
 */
export function createTokens(
  http: Http,
  storage: ClientOptions["storage"],
  changed: (account: string | null) => void,
) {
  let access: AccessToken | null = null;
  let refreshToken: string | null = null; // with storage "memory"
  let unended: string | null = null; // the refresh token of a sign-out that had no answer
  let refreshing: Promise<void> | null = null;
  let ending: Promise<void> | null = null; // a sign-out that has no answer yet
  let generation = 0; // of the session: what was asked for in an earlier one is thrown away
  let tabs: Tabs | null = null;
  let isClosed = false;

  function listen() {
    if (storage !== "memory" && !isClosed) (tabs ??= createTabs(`authapp ${http.base()}`, hear)).listen();
  }

  const secondsLeft = () => (access ? access.seconds - since(access.since) / 1000 : 0);
  /** Whether the token has expired in so many seconds; sooner for tokens that live for a short time. */
  const expiresIn = (seconds: number) => secondsLeft() < Math.min(seconds, (access?.seconds ?? 0) / 2);

  const readRefreshToken = () => (storage === "local" ? stored(REFRESH_TOKEN) : refreshToken);
  function keepRefreshToken(token: string | null) {
    if (storage === "local") store(REFRESH_TOKEN, token);
    else refreshToken = token;
  }

  function become(next: AccessToken | null) {
    generation++;
    access = next;
    changed(next?.account ?? null);
  }

  /** Take a newer token. It may be of another account, that has signed in at the hosted pages. */
  function replace(next: AccessToken) {
    if (access?.account !== next.account) return become(next);
    access = next;
  }

  function tell(type: "signed_in" | "refreshed") {
    if (!access) return;
    const { account, token } = access;
    tabs?.tell({ type, account, token, seconds: secondsLeft(), at: Date.now() });
  }

  function hear(message: Message) {
    if (message.type === "signed_out") return become(null);
    const { type, account, token, at } = message;
    const passed = Math.max(0, Date.now() - at) / 1000; // a frozen tab hears it late
    const next = { account, token, seconds: message.seconds - passed, since: now() };
    if (type === "signed_in") return become(next);
    // Somebody who has signed out stays so: the other tab may not have heard of it when it refreshed.
    const isAwaited = access ? access.account === account : refreshing !== null;
    if (isAwaited && next.seconds > secondsLeft()) replace(next);
  }

  /** Get a new access token. Nobody is signed in where the refresh token has ended. Throws where there is no answer. */
  function refresh(): Promise<void> {
    refreshing ??= refreshInTurn().finally(() => (refreshing = null));
    return refreshing;
  }

  async function refreshInTurn(): Promise<void> {
    const before = access;
    const asked = generation;
    const isDone = () => access !== before || asked !== generation;
    const release = await turn(isDone);
    try {
      const wait = leftBehind();
      if (wait > 0) await tabs?.heard(wait);
      if (isDone()) return;
      if (tabs) store(SENT, String(Date.now()));
      await refreshNow().finally(() => store(SENT, null));
    } finally {
      release();
    }
  }

  /** Wait for the other tabs, but not for long: one may be frozen. Returns how to let them go on. */
  async function turn(isDone = () => false): Promise<() => void> {
    listen();
    for (let left = OTHER_TAB; tabs && left > 0 && !isDone(); left -= STEP) {
      const release = await tabs.lock();
      if (release) return release;
      await tabs.heard(STEP);
    }
    return () => {};
  }

  async function refreshNow(): Promise<void> {
    const asked = generation;
    const sent = readRefreshToken();
    if (storage !== "cookie" && !sent) return become(null);
    const begun = now();
    let session: Session | null = null;
    try {
      session = await http.insist<Session>("/api/v1/auth/refresh", sent ? { body: { refresh_token: sent } } : {});
    } catch (error) {
      const hasEnded = error instanceof ApiError && error.status === 401 && error.code !== "network";
      if (!hasEnded) throw error;
    }
    if (asked !== generation) return;
    if (readRefreshToken() === sent) keepRefreshToken(session?.refresh_token ?? null);
    if (!session) return become(null);
    const next = accessTokenOf(session, begun);
    const isOther = access !== null && access.account !== next.account;
    replace(next);
    tell(isOther ? "signed_in" : "refreshed");
  }

  /**
   * Sign in by a call that answers a session.
   * @param before is called with it before `changed`
   * @returns false where it answers none
   */
  async function signIn(path: string, body: unknown, before: (session: Session) => void): Promise<boolean> {
    await settled(); // whose cookie would replace the one of this call
    await ending?.catch(() => null); // which would end the new session, or take its cookie away
    const release = await turn(); // the same, of other tabs
    try {
      const begun = now();
      const session = await http.send<Session | { access_token?: undefined }>("POST", path, { body });
      if (!session.access_token) return false;
      keepRefreshToken(session.refresh_token ?? null);
      before(session);
      become(accessTokenOf(session, begun));
      tell("signed_in");
      return true;
    } finally {
      release();
    }
  }

  function signOut(everywhere: boolean): Promise<void> {
    const token = access?.token ?? null;
    become(null);
    listen();
    tabs?.tell({ type: "signed_out" });
    const mine = endSession(token, everywhere).finally(() => {
      if (ending === mine) ending = null;
    });
    return (ending = mine);
  }

  async function endSession(token: string | null, everywhere: boolean): Promise<void> {
    await settled(); // whose cookie would outlive this call
    const sent = readRefreshToken() ?? unended;
    unended = sent;
    keepRefreshToken(null);
    const lock = tabs?.lock(); // without waiting for it: the page may be about to be left
    const body = { everywhere, ...(sent && { refresh_token: sent }) };
    try {
      await http.insist("/api/v1/auth/logout", { body, token });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error; // else it had ended
    } finally {
      void lock?.then((release) => release?.());
    }
    unended = null;
  }

  const settled = () => refreshing?.catch(() => null);

  /** Refresh where the token expires soon. Without an answer, one that is still valid stays. */
  async function refreshBefore(seconds = SOON): Promise<void> {
    if (!access || !expiresIn(seconds)) return;
    await refresh().catch((error: unknown) => {
      if (secondsLeft() <= 0) throw error;
    });
  }

  return {
    refresh,
    refreshBefore,
    signIn,
    signOut,
    listen,
    account: () => access?.account ?? null,
    token: () => access?.token ?? null,
    close() {
      isClosed = true;
      tabs?.close();
    },
  };
}

/**
 * For how many milliseconds a refresh may be on its way whose page was left. If the next one overtook it, its token
 * could reach authapp, or its cookie the browser, after the one that replaces it: authapp would take that for theft.
 */
const leftBehind = () => LEFT_BEHIND - Math.abs(Date.now() - Number(stored(SENT)));

function accessTokenOf(session: Session, begun: Moment): AccessToken {
  return { account: session.user.id, token: session.access_token, seconds: session.expires_in, since: begun };
}
