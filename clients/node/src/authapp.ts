/** One authapp, as a service behind it sees it. */

import { Checks, type Member } from "./checks.js";
import { Forbidden, Unauthenticated, Unavailable } from "./errors.js";
import { ExpressGuards } from "./express.js";
import { Http } from "./http.js";
import { Keys } from "./keys.js";
import { RevocationFeed } from "./revocations.js";
import { type Claims, verify } from "./tokens.js";

const LAG = 10; // seconds after which the feed of revocations is behind
const API_KEY = /^ak_[\w-]{1,200}$/;
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * What a request gets for which authapp cannot be asked: `refuse` 503, or `accept` the last positive answer, while the
 * token is valid.
 */
export type OnStale = "refuse" | "accept";

export interface AuthappOptions {
  /** `JWT_AUDIENCE` of authapp. Default: `authapp`. */
  audience?: string;
  /** `JWT_ISSUER` of authapp, where that is not the address. */
  issuer?: string;
  /** Default: `refuse`. */
  onStale?: OnStale;
  /** For how many seconds after it was asked an answer is accepted. Default: 60. */
  acceptFor?: number;
  /** Seconds for a request to authapp and its answer. Default: 3. */
  timeout?: number;
  /** Plain HTTP is allowed to any host, in a network that nobody else can read. */
  insecure?: boolean;
}

export interface UserOptions {
  /** For how many seconds an answer is kept. 0, the default, asks each time. null: never ask, as `verify`. */
  maxAge?: number | null;
  /** Default: that of `Authapp`. */
  onStale?: OnStale;
}

export interface MemberOptions {
  /** None: whatever the role is good for. */
  permission?: string;
  /** For how many seconds an answer is kept. 0, the default, asks each time. API keys are asked each time. */
  maxAge?: number;
  /** Default: that of `Authapp`. */
  onStale?: OnStale;
}

/** A condition for callers, which `Authapp.member` and `Authapp.user` make. */
export interface Guard {
  /**
   * Who calls. Throws Refused, with the status, headers and problem document of the response.
   * @param authorization the header.
   * @param organizationId for a member, where.
   */
  check(authorization: string | undefined, organizationId?: unknown): Promise<Member>;
}

/** Verifies the tokens of one authapp, and asks it who may do what. Make one for each process. */
export class Authapp {
  /** The guards as middleware of Express. */
  readonly express = new ExpressGuards(this);
  readonly #http: Http;
  readonly #keys: Keys;
  readonly #checks: Checks;
  readonly #audience: string;
  readonly #onStale: OnStale;
  readonly #acceptFor: number;
  #feed: RevocationFeed | undefined;

  /** @param url its address: `https`, but for localhost. */
  constructor(url: string, options: AuthappOptions = {}) {
    refuseUnknown(options, ["audience", "issuer", "onStale", "acceptFor", "timeout", "insecure"]);
    this.#http = new Http(url, options.timeout ?? 3, options.insecure ?? false);
    this.#keys = new Keys(this.#http, options.issuer ?? this.#http.url);
    this.#checks = new Checks(this.#http);
    this.#audience = options.audience ?? "authapp";
    this.#onStale = options.onStale ?? "refuse";
    this.#acceptFor = options.acceptFor ?? 60;
  }

  /**
   * Follow the feed of revocations, so that `verify` refuses the tokens of ended sessions.
   * @param serviceKey a key with the right `revocations`.
   * @param interval seconds between two polls.
   * @returns a function that stops. The feed is behind then, after some seconds.
   */
  followRevocations(serviceKey: string, { interval = 2 }: { interval?: number } = {}): () => void {
    this.#feed?.stop();
    const feed = new RevocationFeed(this.#http, serviceKey, interval);
    this.#feed = feed;
    void feed.follow();
    return () => feed.stop();
  }

  /**
   * Verify an access token without asking: its signature, its claims, and the feed where one is followed.
   * Throws Unauthenticated, or Unavailable where its key is unknown or the feed is behind, and authapp cannot be asked.
   */
  async verify(token: string): Promise<Claims> {
    const claims = await this.#signed(token);
    await this.#requireFeed(this.#acceptFor * Number(this.#onStale === "accept"));
    this.#refuseRevoked(claims);
    return claims;
  }

  /**
   * Who has this role or a higher one in an organization, and holds this permission there. An API key may, too.
   * @param role none: any member.
   */
  member(role = "", options: MemberOptions = {}): Guard {
    refuseUnknown(options, ["permission", "maxAge", "onStale"]);
    const { permission = "", maxAge = 0 } = options;
    const acceptFor = this.#acceptForOf(options);
    return {
      check: async (authorization, organizationId) => {
        const token = bearer(authorization);
        const claims = API_KEY.test(token) ? null : await this.#signed(token);
        if (typeof organizationId !== "string" || !ID.test(organizationId))
          throw new Forbidden("You are not a member of this organization.", "not_a_member");
        const question = { token, claims, organizationId, role, permission };
        return this.#checks.check(question, claims ? maxAge : 0, acceptFor);
      },
    };
  }

  /** Whoever is signed in to an account that is active. */
  user(options: UserOptions = {}): Guard {
    refuseUnknown(options, ["maxAge", "onStale"]);
    const { maxAge = 0 } = options;
    const acceptFor = this.#acceptForOf(options);
    return {
      check: async (authorization) => {
        const token = bearer(authorization);
        const claims = API_KEY.test(token) ? null : await this.#signed(token);
        if (claims?.type !== "access") throw new Forbidden("This needs a person: sign in.", "api_key_not_allowed");
        if (maxAge !== null) {
          const question = { token, claims, organizationId: "", role: "", permission: "" };
          return this.#checks.check(question, maxAge, acceptFor);
        }
        await this.#requireFeed(acceptFor);
        this.#refuseRevoked(claims);
        const [subject, sessionId] = [claims.sub, claims.sid];
        return { subject, type: "user", sessionId, organizationId: null, role: null, claims };
      },
    };
  }

  #acceptForOf({ onStale = this.#onStale }: { onStale?: OnStale }): number {
    return onStale === "accept" ? this.#acceptFor : 0;
  }

  /** The claims of a token that is good, as far as the feed was read. */
  async #signed(token: string): Promise<Claims> {
    const claims = await verify(token, this.#keys, this.#audience);
    this.#refuseRevoked(claims);
    return claims;
  }

  async #requireFeed(acceptFor: number): Promise<void> {
    const feed = this.#feed;
    if (!feed || feed.age <= LAG) return;
    await feed.wait(this.#http.timeout);
    if (feed.age > Math.max(LAG, acceptFor)) throw new Unavailable("the feed of revocations is behind");
  }

  #refuseRevoked(claims: Claims): void {
    if (this.#feed?.isRevoked(claims))
      throw new Unauthenticated("The session of this token has ended. Sign in again.", "revoked_token");
  }
}

/** A misspelt condition would be none. */
function refuseUnknown(options: object, known: string[]): void {
  const unknown = Object.keys(options).filter((name) => !known.includes(name));
  if (unknown.length) throw new TypeError(`There is no option ${unknown.join(", ")}.`);
  if ("onStale" in options && !["refuse", "accept", undefined].includes(options.onStale as OnStale))
    throw new TypeError("onStale is refuse or accept.");
}

function bearer(authorization: string | undefined): string {
  const [, token] = /^bearer +(.+)$/i.exec(authorization ?? "") ?? [];
  if (token) return token;
  throw new Unauthenticated("Send an access token in the header: Authorization: Bearer <token>.", "missing_token");
}
