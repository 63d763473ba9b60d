// What a page writes with the types of the client and of the document. tsc compiles it and nobody runs it.
import { createClient, type Membership, type operations, type Schemas, type State } from "../src/index.js";

type Body<Name extends keyof operations> =
  operations[Name] extends { requestBody?: { content: { "application/json": infer Sent } } } ? Sent : never;

declare function send<Name extends keyof operations>(name: Name, body: Body<Name>): Promise<unknown>;
declare const session: operations["login"]["responses"][200]["content"]["application/json"];
declare const me: operations["get_me"]["responses"][200]["content"]["application/json"];
declare const problem: operations["login"]["responses"][401]["content"]["application/problem+json"];
declare const invitation: Schemas["Invitation"];
declare const event: Schemas["AuditEvent"];
declare const apiKey: Schemas["ApiKey"];

// A field with a default may be left out.
send("register", { email: "ada@example.com", password: "SecurePassword123", organization_name: "Acme Research" });
send("login", { email: "ada@example.com", password: "SecurePassword123" });
send("logout", {});
send("rotate_api_key", {});
export const authorization = { Authorization: `${session.token_type} ${session.access_token}` };

// Enums narrow.
const role: Schemas["Role"] = me.memberships[0]!.role;
export const isAdmin = role === "admin";
export const lower: "developer" | "viewer" = role === "admin" ? "viewer" : role;
export const ofKey: "developer" | "viewer" = apiKey.role;
export const actorType: "user" | "api_key" | "workload" | null = event.actor_type;
export const isSignIn: boolean = event.action === "session.started";
export const mustSignIn: boolean = problem.code === "wrong_credentials";
export const waiting: { mfa_token: string; expires_in: number } | null = "mfa_token" in problem ? problem : null;

// A switch over all values needs no default.
export function sentence(status: Schemas["InvitationStatus"]): string {
  switch (status) {
    case "pending": return "Waiting for an answer.";
    case "accepted": return "Joined.";
    case "declined": return "Declined.";
    case "revoked": return "Revoked.";
    case "expired": return "Send it again.";
  }
}
sentence(invitation.status);

const client = createClient({ url: "https://auth.example.com", storage: "cookie", apis: ["https://api.example.com"] });
const members = "/api/v1/organizations/{organization_id}/members";

// A call takes what its operation takes, and gives what it gives.
export async function calls(organization_id: string): Promise<void> {
  const page: Schemas["MemberPage"] = await client.call("get", members, { path: { organization_id }, query: { limit: 20 } });
  const providers: Schemas["SsoProviders"] = await client.call("get", "/api/v1/auth/sso");
  const nothing: undefined = await client.call("delete", "/api/v1/auth/sessions");
  await client.call("post", "/api/v1/auth/password/forgot", { body: { email: "ada@example.com" } });
  await client.call("post", "/api/v1/auth/logout");
  console.log(page.items, providers.items, nothing);
}

// The status narrows the state.
export function nameOf(state: State): string {
  switch (state.status) {
    case "loading": return "…";
    case "signed_out": return "nobody";
    case "mfa_required": return state.mfa.methods.join();
    case "signed_in": return state.user.email;
  }
}
export const memberships: Membership[] = client.state.memberships;

// Each of these has to be an error: tsc fails where one is not.
// @ts-expect-error a role that does not exist
send("create_invitation", { email: "grace@example.com", role: "owner" });
// @ts-expect-error a role that an API key cannot have
send("create_api_key", { name: "training pipeline", role: "admin" });
// @ts-expect-error a field that is required
send("login", { email: "ada@example.com" });
// @ts-expect-error a code that no error has
export const misspelt: boolean = problem.code === "wrong_credential";
// @ts-expect-error an action that is never recorded
export const filter: NonNullable<operations["list_organization_audit_events"]["parameters"]["query"]> = { action: "user.flew" };
// @ts-expect-error a path that does not exist
client.call("get", "/api/v1/auth/nobody");
// @ts-expect-error a method that the path does not have
client.call("patch", members, { path: { organization_id: "x" } });
// @ts-expect-error a parameter of the path that is required
client.call("get", members);
// @ts-expect-error a parameter of the query that does not exist
client.call("get", members, { path: { organization_id: "x" }, query: { offset: 20 } });
// @ts-expect-error a query that the operation does not take
client.call("get", "/api/v1/auth/sso", { query: { limit: 20 } });
// @ts-expect-error a field of the body that is required
client.call("post", "/api/v1/auth/password/forgot", { body: {} });
// @ts-expect-error a body that the operation does not take
client.call("get", "/api/v1/auth/me", { body: {} });
// @ts-expect-error a user of whom is not known whether there is one
export const email = client.state.user.email;
// @ts-expect-error a storage that does not exist
createClient({ storage: "session" });
