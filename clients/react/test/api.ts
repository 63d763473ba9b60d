// The API, as far as the components call it: answers by route, and what was sent.
import type { Member, Organization, Role, Schemas, User } from "@authapp/client";

export interface Sent {
  route: string;
  query: URLSearchParams;
  body: Record<string, unknown>;
  signal: AbortSignal | null;
}

export interface Answer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

type Handler = (sent: Sent) => Answer | Promise<Answer>;

export const AUTH = "/api/v1/auth";
export const TIME = "2026-01-02T03:04:05Z";

export const ada: User = {
  id: "u-ada", email: "ada@example.com", email_verified: true, first_name: "Ada", last_name: "Lovelace",
  is_active: true, mfa_enabled: false, has_password: true, last_login_at: TIME, created_at: TIME, updated_at: TIME,
};

export function organization(name: string, role: Role): Organization {
  const subscription: Schemas["Subscription"] = { plan: "free", status: "active", seats: null, trial_ends_at: null };
  return { id: `o-${name}`, name, slug: name, subscription, role, created_at: TIME, updated_at: TIME };
}

export function member(name: string, role: Role): Member {
  const user = { id: `u-${name}`, email: `${name}@example.com`, first_name: null, last_name: null };
  return { user, role, joined_at: TIME };
}

export const ok = (body: unknown): Answer => ({ status: 200, body });
export const session = (user = ada, founded: Organization | null = null): Answer =>
  ok({ access_token: "at", token_type: "Bearer", expires_in: 1800, refresh_expires_in: 604800, user, organization: founded });

export function problem(status: number, code: string, detail: string, more: object = {}, headers = {}): Answer {
  const body = { type: `/problems/${code}`, title: code, status, detail, code, request_id: "r", ...more };
  return { status, body, headers };
}

export class Api {
  readonly sent: Sent[] = [];
  private readonly routes = new Map<string, Handler>();

  /** Nobody is signed in, and everything else is unknown. */
  constructor() {
    this.on(`POST ${AUTH}/refresh`, () => problem(401, "invalid_token", "Sign in again."));
    this.on(`POST ${AUTH}/logout`, () => ({ status: 204 }));
    globalThis.fetch = (address, init) => this.fetch(address, init);
  }

  on(route: string, handler: Handler): void {
    this.routes.set(route, handler);
  }

  /** Somebody is signed in, as a member of these organizations. */
  signedIn(user: User, organizations: Organization[] = []): void {
    this.on(`POST ${AUTH}/refresh`, () => session(user));
    this.account(user, organizations);
  }

  account(user: User, organizations: Organization[] = []): void {
    const memberships = organizations.map(({ id, name, slug, role }) => ({
      organization: { id, name, slug },
      role,
      permissions: role === "viewer" ? ["models.read"] : ["models.deploy", "models.read"],
    }));
    this.on(`GET ${AUTH}/me`, () => ok({ ...user, memberships, memberships_truncated: false }));
    for (const one of organizations) this.on(`GET /api/v1/organizations/${one.id}`, () => ok(one));
  }

  /** What was sent to a route. */
  to(route: string): Sent[] {
    return this.sent.filter((sent) => sent.route === route);
  }

  private async fetch(address: string | URL | Request, init: RequestInit = {}): Promise<Response> {
    const url = new URL(String(address));
    const route = `${init.method ?? "GET"} ${url.pathname}`;
    const body = typeof init.body === "string" ? (JSON.parse(init.body) as Record<string, unknown>) : {};
    const sent = { route, query: url.searchParams, body, signal: init.signal ?? null };
    this.sent.push(sent);
    const handler = this.routes.get(route);
    if (!handler) throw new Error(`The test has no answer for ${route}.`);
    const answer = await handler(sent);
    sent.signal?.throwIfAborted();
    const text = answer.body === undefined ? null : JSON.stringify(answer.body);
    return new Response(text, { status: answer.status, headers: answer.headers ?? {} });
  }
}

/** An answer that comes when the test says so. */
export function later(): { answer: Promise<Answer>; give: (answer: Answer) => void } {
  let give: (answer: Answer) => void = () => undefined;
  const answer = new Promise<Answer>((resolve) => (give = resolve));
  return { answer, give };
}
