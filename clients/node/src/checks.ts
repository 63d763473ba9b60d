/** What authapp answers to `GET /auth/check`, kept for as long as a service allows. */

import { createHash } from "node:crypto";
import { Forbidden, Unauthenticated, Unavailable, warn } from "./errors.js";
import type { Answer, Http } from "./http.js";
import type { Claims } from "./tokens.js";

const AWAY = 1_000; // milliseconds after a failure in which a kept answer is accepted without asking
const CONNECTIONS = 32;
const KEPT = 10_000; // answers
const WAITING = 512; // questions that wait for a connection

/** Who calls, as authapp has answered. */
export interface Member {
  /** The account, the API key or the trusted identity. */
  subject: string;
  type: "user" | "api_key" | "workload";
  sessionId: string | null;
  organizationId: string | null;
  role: string | null;
  /** Of the token. An API key has none. */
  claims: Claims | null;
}

/** What is asked about a credential. */
export interface Question {
  token: string;
  /** Of the token. None: an API key. */
  claims: Claims | null;
  organizationId: string;
  role: string;
  permission: string;
}

type Denied = { denied: typeof Unauthenticated | typeof Forbidden; detail: string; code: string };

/** An answer, as old as the moment in which the question was sent. */
interface Outcome {
  askedAt: number;
  answer: Member | Denied;
}

/** Asks authapp, and keeps the last answers. */
export class Checks {
  readonly #kept = new Map<string, Outcome>(); // the least recently used one first
  readonly #pending = new Map<string, { askedAt: number; outcome: Promise<Outcome> }>();
  readonly #waiting: (() => void)[] = [];
  #asking = 0;
  #awayUntil = -Infinity;

  constructor(private readonly http: Http) {}

  /**
   * The answer. Throws Refused, as authapp does, or because it is away.
   * @param maxAge how old it may be, in seconds. 0: ask each time.
   * @param acceptFor how old a positive one may be while authapp is away. 0: none is accepted.
   */
  async check(question: Question, maxAge: number, acceptFor: number): Promise<Member> {
    const key = keyOf(question);
    const found = this.#recent(key, maxAge, acceptFor) ?? (await this.#asked(key, question, maxAge, acceptFor));
    if ("denied" in found.answer) throw new found.answer.denied(found.answer.detail, found.answer.code);
    return { ...found.answer, claims: question.claims };
  }

  /** A kept answer that is young enough, or is good enough while authapp is away. */
  #recent(key: string, maxAge: number, acceptFor: number): Outcome | undefined {
    const found = this.#kept.get(key);
    if (!found) return undefined;
    this.#kept.delete(key);
    this.#kept.set(key, found);
    const isRecent = age(found) < maxAge || (performance.now() < this.#awayUntil && isAcceptable(found, acceptFor));
    return isRecent ? found : undefined;
  }

  /** What is answered now. While authapp is away, the last positive answer where that is accepted. */
  async #asked(key: string, question: Question, maxAge: number, acceptFor: number): Promise<Outcome> {
    try {
      return await this.#join(key, question, maxAge);
    } catch (error) {
      const found = this.#kept.get(key);
      if (error instanceof Unavailable && found && isAcceptable(found, acceptFor)) return found;
      throw error;
    }
  }

  /** The outcome of a question that is being asked and is young enough, or of a new one. */
  #join(key: string, question: Question, maxAge: number): Promise<Outcome> {
    const pending = this.#pending.get(key);
    if (pending && age(pending) < maxAge) return pending.outcome;
    const asked = { askedAt: performance.now(), outcome: this.#ask(key, question) };
    this.#pending.set(key, asked);
    const forget = () => void (this.#pending.get(key) === asked && this.#pending.delete(key));
    asked.outcome.then(forget, forget);
    return asked.outcome;
  }

  async #ask(key: string, question: Question): Promise<Outcome> {
    try {
      const outcome = await this.#answer(question);
      this.#awayUntil = -Infinity;
      if (question.claims) this.#keep(key, outcome); // anybody can make up API keys, and push out other answers
      return outcome;
    } catch (error) {
      if (error instanceof Unavailable) {
        this.#awayUntil = performance.now() + AWAY;
        warn(`A check was not answered: ${error.reason}`);
      }
      throw error;
    }
  }

  /** Ask over one of a limited number of connections. */
  async #answer(question: Question): Promise<Outcome> {
    const deadline = this.http.deadline();
    if (this.#asking < CONNECTIONS) this.#asking += 1;
    else if (this.#waiting.length >= WAITING) throw new Unavailable("too many requests wait");
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      const askedAt = performance.now();
      const answer = await this.http.get(addressOf(this.http.url, question), question.token, deadline);
      return { askedAt, answer: read(answer, question) };
    } finally {
      const next = this.#waiting.shift(); // which gets this connection
      if (next) next();
      else this.#asking -= 1;
    }
  }

  /** Keep an answer, unless that to a later question is there already. */
  #keep(key: string, outcome: Outcome): void {
    const known = this.#kept.get(key);
    if (known && known.askedAt > outcome.askedAt) return;
    this.#kept.delete(key);
    this.#kept.set(key, outcome);
    if (this.#kept.size > KEPT) this.#kept.delete(this.#kept.keys().next().value!);
  }
}

/** The question, without the credential. */
function keyOf({ token, organizationId, role, permission }: Question): string {
  const credential = createHash("sha256").update(token).digest("base64");
  return JSON.stringify([credential, organizationId, role, permission]);
}

function addressOf(url: string, { organizationId, role, permission }: Question): string {
  const named = Object.entries({ organization_id: organizationId, role, permission }).filter(([, value]) => value);
  return `${url}/api/v1/auth/check?${new URLSearchParams(named)}`;
}

/** In seconds. */
function age({ askedAt }: { askedAt: number }): number {
  return (performance.now() - askedAt) / 1000;
}

function isAcceptable(found: Outcome, acceptFor: number): boolean {
  return !("denied" in found.answer) && age(found) < acceptFor;
}

/** The caller whom authapp lets pass, or why it does not. */
function read({ status, headers, body }: Answer, { claims, organizationId }: Question): Member | Denied {
  if (status === 401 || status === 403) {
    const denied = status === 401 ? Unauthenticated : Forbidden;
    const code = typeof body.code === "string" ? body.code : status === 401 ? "invalid_token" : "forbidden";
    return { denied, code, detail: typeof body.detail === "string" ? body.detail : code };
  }
  const told = (name: string) => headers.get(`x-auth-${name}`);
  const [subject, type, role, here] = ["subject", "type", "role", "organization"].map(told);
  const isTheirs = !!subject && (!claims || claims.sub === subject) && isType(type);
  const isThere = !organizationId || (here === organizationId && !!role);
  if (status !== 204 || !isTheirs || !isThere) throw new Unavailable(`${status}, or an answer about somebody else`);
  return { subject, type, role: role ?? null, organizationId: here ?? null, sessionId: told("session"), claims: null };
}

function isType(type: unknown): type is Member["type"] {
  return type === "user" || type === "api_key" || type === "workload";
}
