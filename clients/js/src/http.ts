import { now, since, sleep } from "./clock.js";
import { ApiError, errorOf } from "./errors.js";
import type { ClientOptions } from "./types.js";

const RETRIES_END = 8_000; // milliseconds: a refresh token that was just spent can be sent again for 10 seconds
const ATTEMPT = 5_000;
const LAST_ATTEMPT = 30_000;

export interface Sending {
  body?: unknown;
  token?: string | null;
  signal?: AbortSignal;
}

let hasWarned = false; // of CORS_ORIGINS, on this page

export type Http = ReturnType<typeof createHttp>;

export function createHttp({ url, storage = "cookie", apis = [] }: ClientOptions) {
  const base = () => new URL(url || location.href).origin;

  /** The address of a path of the API, or of a page that may have the token. */
  function addressOf(path: string | URL): URL {
    const address = new URL(path, base());
    if (![base(), ...apis.map((api) => new URL(api).origin)].includes(address.origin)) {
      throw new TypeError(`${address.origin} is neither the origin of authapp nor in apis.`);
    }
    return address;
  }

  /** Like fetch. An answer from 400 up, or none, is thrown as an ApiError. */
  async function request(path: string | URL, init: RequestInit, token?: string | null): Promise<Response> {
    const address = addressOf(path);
    const headers = new Headers(init.headers);
    const sent: RequestInit = { ...init, headers };
    if (init.redirect !== "manual") sent.redirect = "error"; // it could lead tokens and passwords to another origin
    if (token) headers.set("Authorization", `Bearer ${token}`);
    if (storage === "cookie" && address.origin === base()) {
      headers.set("Authapp-Client", "browser");
      sent.credentials = "include";
    }
    const hint = address.origin === base() ? corsHint(base()) : "";
    const response = await fetch(address, sent).catch(unanswered(`No answer of ${address.origin}${hint}`, init.signal));
    if (response.status >= 400) throw await errorOf(response);
    return response;
  }

  /** JSON in, JSON out. */
  async function send<Answer>(method: string, path: string, sending: Sending = {}, init: RequestInit = {}) {
    const { body, token, signal } = sending;
    const sent: RequestInit = { ...init, method: method.toUpperCase() };
    if (signal) sent.signal = signal;
    if (body !== undefined) {
      sent.body = JSON.stringify(body);
      sent.headers = { "Content-Type": "application/json" };
    }
    return jsonOf<Answer>(await request(path, sent, token), signal);
  }

  /** The same, again and again for some seconds while nobody answers, and also where the page is left meanwhile. */
  async function insist<Answer>(path: string, sending: Sending): Promise<Answer> {
    const begun = now();
    for (let pause = 300; ; pause *= 2) {
      const fits = (milliseconds: number) => since(begun) + milliseconds + pause < RETRIES_END;
      const signal = AbortSignal.timeout(fits(ATTEMPT) ? ATTEMPT : LAST_ATTEMPT);
      try {
        return await send<Answer>("POST", path, { ...sending, signal }, { keepalive: true });
      } catch (error) {
        if (!isUnanswered(error) || !fits(0) || globalThis.navigator?.onLine === false) throw error;
      }
      await sleep(pause);
    }
  }

  return { base, addressOf, request, send, insist };
}

async function jsonOf<Answer>(response: Response, signal?: AbortSignal): Promise<Answer> {
  if (response.status === 204) return undefined as Answer;
  return response.json().catch(unanswered("The answer is no JSON", signal, response)) as Promise<Answer>;
}

/** What a browser hides from the page: it shows no answer to an origin that the settings of authapp do not name. */
function corsHint(asked: string): string {
  const page = globalThis.location?.origin;
  return page && page !== asked ? ` (perhaps CORS_ORIGINS there does not name ${page})` : "";
}

/** Throws an error of fetch on where its caller has aborted, and else as one of the network. */
function unanswered(said: string, signal?: AbortSignal | null, response?: Response): (error: Error) => never {
  return (error) => {
    if (signal?.aborted && error.name !== "TimeoutError") throw error;
    if (!hasWarned && said.includes("CORS_ORIGINS")) {
      hasWarned = true;
      console.warn(said);
    }
    throw new ApiError("network", `${said}: ${error.message}`, response?.status, {}, response?.headers);
  };
}

function isUnanswered(error: unknown): boolean {
  return error instanceof ApiError && (error.code === "network" || [502, 503, 504].includes(error.status));
}
