export { Authapp } from "./authapp.js";
export type { AuthappOptions, Guard, MemberOptions, OnStale, UserOptions } from "./authapp.js";
export type { Member } from "./checks.js";
export { Forbidden, Refused, Unauthenticated, Unavailable } from "./errors.js";
export type { ExpressMemberOptions, GuardedRequest, Middleware } from "./express.js";
export type { Claims } from "./tokens.js";
