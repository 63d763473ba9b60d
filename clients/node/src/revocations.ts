/** Which sessions have ended, as the feed `GET /auth/revocations` tells it. */

import { Unavailable, warn } from "./errors.js";
import { type Http, isObject } from "./http.js";
import type { Claims } from "./tokens.js";

const LIMIT = 100;

/** What has been revoked, as far as the feed was read. */
export class RevocationFeed {
  #cursor = "";
  readonly #sessions = new Map<string, number>(); // until when to keep them, in seconds since 1970
  readonly #accounts = new Map<string, { at: number; until: number }>();
  #readAt = -Infinity;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  readonly #first: Promise<void>;
  #wasRead!: () => void;

  /**
   * @param serviceKey a key with the right `revocations`.
   * @param interval seconds between two polls.
   */
  constructor(
    private readonly http: Http,
    private readonly serviceKey: string,
    private readonly interval: number,
  ) {
    this.#first = new Promise((resolve) => (this.#wasRead = resolve));
  }

  /** Read the feed now, and again and again. Does not keep the process running. */
  async follow(): Promise<void> {
    await this.poll().catch((error: Error) => warn(`The feed of revocations cannot be read: ${error.message}`));
    if (!this.#isStopped) this.#timer = setTimeout(() => void this.follow(), this.interval * 1000).unref();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** Read what is new. Where this fails, what is known stays known. */
  async poll(): Promise<void> {
    const started = performance.now();
    for (let number = LIMIT; number === LIMIT; ) {
      const query = new URLSearchParams({ limit: String(LIMIT), ...(this.#cursor && { after: this.#cursor }) });
      const { status, body } = await this.http.get(`${this.http.url}/api/v1/auth/revocations?${query}`, this.serviceKey);
      const { items, next_cursor: cursor } = body;
      if (status !== 200 || !Array.isArray(items) || typeof cursor !== "string") throw new Unavailable(`${status}`);
      items.forEach((item) => this.#add(item));
      this.#cursor = cursor;
      number = items.length;
    }
    this.#forget();
    this.#readAt = started;
    this.#wasRead();
  }

  /** Whether the token with these claims is dead, as far as the feed was read. */
  isRevoked({ sid, sub, iat }: Claims): boolean {
    const account = this.#accounts.get(sub);
    return this.#sessions.has(sid) || (account !== undefined && iat <= account.at);
  }

  /** Seconds since the last poll that has read everything; infinite before the first. */
  get age(): number {
    return (performance.now() - this.#readAt) / 1000;
  }

  /** Wait for the first poll, so many seconds at most. */
  async wait(seconds: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, seconds * 1000)));
    await Promise.race([this.#first, timeout]);
    clearTimeout(timer);
  }

  #add(item: unknown): void {
    const { sid, sub, at: revoked, until: end } = isObject(item) ? item : {};
    const [at, until] = [secondsOf(revoked), secondsOf(end)];
    if (typeof sid === "string") this.#sessions.set(sid, until);
    else if (typeof sub === "string") {
      const known = this.#accounts.get(sub) ?? { at, until };
      this.#accounts.set(sub, { at: Math.max(at, known.at), until: Math.max(until, known.until) });
    } else throw new Unavailable("an item names nobody");
  }

  #forget(): void {
    const now = Date.now() / 1000;
    for (const [sid, until] of this.#sessions) if (until <= now) this.#sessions.delete(sid);
    for (const [sub, { until }] of this.#accounts) if (until <= now) this.#accounts.delete(sub);
  }
}

function secondsOf(timestamp: unknown): number {
  const found = typeof timestamp === "string" ? Date.parse(timestamp) / 1000 : NaN;
  if (Number.isNaN(found)) throw new Unavailable("an item has no time");
  return found;
}
