import type { components, paths } from "./api.js";
import type { ApiError } from "./errors.js";

export type Schemas = components["schemas"];
export type User = Schemas["User"];
export type Organization = Schemas["Organization"];
export type Role = Schemas["Role"];
/** A role that is built in, or one of the application's own. */
export type RoleName = Role | (string & {});
export type Membership = Schemas["MembershipOfMine"];
export type Passkey = Schemas["Passkey"];
export type Member = Schemas["Member"];
export type Invitation = Schemas["Invitation"];
export type Registration = Schemas["Registration"];
export type Session = Schemas["Session"];

export interface ClientOptions {
  /** The origin of authapp, "https://auth.example.com" for example. Default: the origin of this page. */
  url?: string;
  /** Where the refresh token is. Default: "cookie", which no script can read. */
  storage?: "cookie" | "memory" | "local";
  /** Further origins to which `fetch` may send the access token. */
  apis?: string[];
  /** The roles of the application, lowest first. Default: those that are built in. */
  roles?: readonly RoleName[];
}

interface NobodySignedIn {
  user: null;
  memberships: [];
  organization: null;
}

export type State =
  | ({ status: "loading"; mfa: null } & NobodySignedIn)
  | ({ status: "signed_out"; mfa: null } & NobodySignedIn)
  | ({ status: "mfa_required"; mfa: { methods: string[] } } & NobodySignedIn)
  | {
      status: "signed_in";
      user: User;
      /** The first 100. */
      memberships: Membership[];
      /** The one that `organization.use` has chosen, or the only one. */
      organization: Organization | null;
      mfa: null;
    };

export type Factor = { code: string } | { recovery_code: string } | { passkey: true };
export type Reauthentication = { password?: string; code?: string; recovery_code?: string } | { passkey: true };

export interface Client {
  /** The same object until something changes. */
  readonly state: State;
  /** Call a function after each change of `state`. Returns how to stop that. */
  onChange(listener: (state: State) => void): () => void;
  /** Find out who is signed in. Many calls send one request. */
  start(): Promise<State>;
  signIn(credentials: { email: string; password: string }): Promise<State>;
  /** Register an account and sign in. With REGISTRATION_MODE=safe an email is sent in place of the latter. */
  register(account: Registration): Promise<State>;
  /** Complete a sign-in with a provider, with the code of the address to which the browser has come back. */
  exchangeSsoCode(exchange: Schemas["SsoExchange"]): Promise<State>;
  verifyMfa(factor: Factor): Promise<State>;
  cancelMfa(): void;
  /** Sign out, in all tabs. Throws where authapp did not answer: then its session still lives. */
  signOut(options?: { everywhere?: boolean }): Promise<void>;
  acceptInvitation(token: string): Promise<Organization>;
  reauthenticate(factor: Reauthentication): Promise<void>;
  /**
   * Show a dialog where a call needs a recent sign-in. It calls `reauthenticate`. With true the call is repeated once,
   * with false it throws its error. Calls at the same time share one dialog, which itself must make no such call.
   */
  onReauthenticationRequired(ask: (error: ApiError) => Promise<boolean>): () => void;
  /** Read user, memberships and organization again. Signed out, look for a session first. */
  reload(): Promise<State>;
  readonly passkeys: {
    isSupported(): boolean;
    signIn(): Promise<State>;
    list(): Promise<Passkey[]>;
    add(name?: string): Promise<Passkey>;
    rename(id: string, name: string): Promise<Passkey>;
    remove(id: string): Promise<void>;
  };
  /** `fetch` with an access token. Throws ApiError from 400 up, TypeError before it would ask a foreign origin. */
  fetch(path: string | URL, init?: RequestInit): Promise<Response>;
  /** Call a route of the API, typed by its OpenAPI document. Throws TypeError where a part of the path is missing. */
  call: Call;
  readonly organization: {
    readonly current: Organization | null;
    /** Choose one, remembered for this account. null: none. The last of several calls counts, others give null. */
    use(id: string | null): Promise<Organization | null>;
  };
  /** The roles of the application, lowest first. */
  readonly roles: readonly RoleName[];
  /**
   * Whether the role in the chosen organization is this one or a higher one, or holds this permission, whose name has a
   * dot. A hint for what to show: the API decides.
   */
  can(roleOrPermission: RoleName): boolean;
  /** Stop to listen to other tabs and to events of this one. */
  close(): void;
}

type Method = "get" | "post" | "put" | "patch" | "delete";
interface Operation {
  parameters: { path?: unknown; query?: unknown };
  responses: Record<number, unknown>;
}
type PathWith<M extends Method> = {
  [P in keyof paths]: paths[P] extends Record<M, Operation> ? P : never;
}[keyof paths];
type OperationOf<M extends Method, P extends keyof paths> = paths[P] extends Record<M, infer O> ? O : never;

type PathOf<O> = O extends { parameters: { path: infer T extends object } } ? { path: T } : { path?: never };
type QueryOf<O> = O extends { parameters: { query?: infer T } } ? { query?: T } : { query?: never };
type BodyOf<O> = O extends { requestBody?: never }
  ? { body?: never }
  : O extends { requestBody: { content: { "application/json": infer T } } }
    ? { body: T }
    : O extends { requestBody?: { content: { "application/json": infer T } } }
      ? { body?: T }
      : { body?: never };
type OptionsOf<O> = PathOf<O> & QueryOf<O> & BodyOf<O> & { signal?: AbortSignal };
type Json<T> = T extends { content: { "application/json": infer B } } ? B : undefined;
type AnswerOf<O> = O extends { responses: infer R } ? Json<R[keyof R & (200 | 201 | 202 | 204)]> : never;

export type Call = <M extends Method, P extends PathWith<M>>(
  method: M,
  path: P,
  ...options: object extends OptionsOf<OperationOf<M, P>>
    ? [options?: OptionsOf<OperationOf<M, P>>]
    : [options: OptionsOf<OperationOf<M, P>>]
) => Promise<AnswerOf<OperationOf<M, P>>>;
