export { createClient } from "./client.js";
export { ApiError } from "./errors.js";
export type { ErrorCode } from "./errors.js";
export type * from "./types.js";
export type { components, operations, paths } from "./api.js";
