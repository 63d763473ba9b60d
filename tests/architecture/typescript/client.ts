// What a client writes with the types that openapi-typescript makes of the document. tsc compiles it and nobody runs it.
import type { components, operations } from "./schema";

type Schemas = components["schemas"];
type Body<Name extends keyof operations> =
  operations[Name] extends { requestBody?: { content: { "application/json": infer Sent } } } ? Sent : never;

declare function call<Name extends keyof operations>(name: Name, body: Body<Name>): Promise<unknown>;
declare const session: operations["login"]["responses"][200]["content"]["application/json"];
declare const me: operations["get_me"]["responses"][200]["content"]["application/json"];
declare const problem: operations["login"]["responses"][401]["content"]["application/problem+json"];
declare const invitation: Schemas["Invitation"];
declare const event: Schemas["AuditEvent"];
declare const apiKey: Schemas["ApiKey"];

// A field with a default may be left out.
call("register", { email: "ada@example.com", password: "SecurePassword123", organization_name: "Acme Research" });
call("login", { email: "ada@example.com", password: "SecurePassword123" });
call("logout", {});
call("rotate_api_key", {});
export const authorization = { Authorization: `${session.token_type} ${session.access_token}` };

// Enums narrow.
const role: Schemas["Role"] = me.memberships[0].role;
export const isAdmin = role === "admin";
export const lower: "developer" | "viewer" = role === "admin" ? "viewer" : role;
export const ofKey: "developer" | "viewer" = apiKey.role;
export const actorType: "user" | "api_key" | null = event.actor_type;
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

// Each of these has to be an error: tsc fails where one is not.
// @ts-expect-error a role that does not exist
call("create_invitation", { email: "grace@example.com", role: "owner" });
// @ts-expect-error a role that an API key cannot have
call("create_api_key", { name: "training pipeline", role: "admin" });
// @ts-expect-error a field that is required
call("login", { email: "ada@example.com" });
// @ts-expect-error a code that no error has
export const misspelt: boolean = problem.code === "wrong_credential";
// @ts-expect-error an action that is never recorded
export const filter: NonNullable<operations["list_organization_audit_events"]["parameters"]["query"]> = { action: "user.flew" };
