/** Requests to authapp: a time limit, no redirects, bounded bodies. */

import { Unavailable } from "./errors.js";

const LOCAL = ["localhost", "127.0.0.1", "[::1]"];
const LONGEST_BODY = 256 * 1024; // bytes
const CLOSED = ["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"]; // the codes of a kept connection that was closed meanwhile

/** What authapp has answered. */
export interface Answer {
  status: number;
  headers: Headers;
  /** The object in the body, an empty one where there is none. */
  body: Record<string, unknown>;
}

/** Sends GET requests to one authapp. */
export class Http {
  readonly url: string;

  /**
   * @param url of authapp.
   * @param timeout seconds for a request and its answer.
   * @param insecure plain HTTP to other hosts than this one is allowed.
   */
  constructor(
    url: string,
    readonly timeout: number,
    readonly insecure: boolean,
  ) {
    this.url = url.replace(/\/+$/, "");
    this.requireHttps(this.url);
  }

  /** Throw a TypeError for an address to which tokens would go in plain text. */
  requireHttps(url: string): void {
    if (!URL.canParse(url) || !this.#isAllowed(new URL(url)))
      throw new TypeError(`${url} is not an https address. Plain http is for localhost, or with insecure: true.`);
  }

  #isAllowed({ protocol, hostname, username, password, search, hash }: URL): boolean {
    if (username || password || search || hash) return false;
    return protocol === "https:" || (protocol === "http:" && (this.insecure || LOCAL.includes(hostname)));
  }

  /** When a request that begins now has to be over. */
  deadline(): AbortSignal {
    return AbortSignal.timeout(this.timeout * 1000);
  }

  /** Ask once, and once more where a kept connection was closed meanwhile. Throws Unavailable where there is no answer. */
  async get(url: string, token = "", deadline = this.deadline()): Promise<Answer> {
    try {
      return await get(url, token, deadline).catch((error: unknown) => {
        if (CLOSED.includes(causeOf(error))) return get(url, token, deadline);
        throw error;
      });
    } catch (error) {
      if (error instanceof Unavailable) throw error;
      throw new Unavailable(`no answer: ${causeOf(error)}`);
    }
  }
}

async function get(url: string, token: string, signal: AbortSignal): Promise<Answer> {
  const headers = { Accept: "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
  const response = await fetch(url, { headers, redirect: "manual", signal });
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > LONGEST_BODY) throw new Unavailable("the answer is too long"); // which closes the connection
    parts.push(part);
  }
  return { status: response.status, headers: response.headers, body: objectIn(Buffer.concat(parts).toString()) };
}

function objectIn(text: string): Record<string, unknown> {
  try {
    const found: unknown = JSON.parse(text);
    return isObject(found) ? found : {};
  } catch {
    return {};
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The code or the name of what went wrong: no text, which might quote a token. */
function causeOf(error: unknown): string {
  const { name, code, cause } = error as { name?: string; code?: unknown; cause?: unknown };
  if (isObject(cause)) return causeOf(cause);
  return String(typeof code === "string" ? code : name);
}
