import type { Schemas } from "./types.js";

export type ErrorCode = Schemas["ErrorCode"] | "network" | "passkey_cancelled" | "passkey_failed";

/** An answer from 400 up (RFC 9457), or none that authapp has given: then `code` is "network". */
export class ApiError extends Error {
  readonly code: ErrorCode;
  /** 0 where there was no answer. */
  readonly status: number;
  readonly detail: string;
  readonly requestId: string | null;
  /** Of 422, by field of the JSON body. */
  readonly errors: Record<string, string[]>;
  /** Seconds, 0 where the answer names none. */
  readonly retryAfter: number;
  /** The whole problem document. */
  readonly body: Record<string, unknown>;

  constructor(code: ErrorCode, detail: string, status = 0, body: Record<string, unknown> = {}, headers?: Headers) {
    super(detail);
    this.name = "ApiError";
    this.code = code;
    this.status = status;
    this.detail = detail;
    this.body = body;
    this.requestId = headers?.get("X-Request-ID") ?? null;
    this.retryAfter = Number(headers?.get("Retry-After")) || 0;
    this.errors = (body as { errors?: { json?: Record<string, string[]> } }).errors?.json ?? {};
  }
}

export async function errorOf(response: Response): Promise<ApiError> {
  const { status, headers } = response;
  const body: unknown = await response.json().catch(() => null);
  const document = (body && typeof body === "object" ? body : {}) as Record<string, unknown>;
  const { code, detail } = document;
  return typeof code === "string"
    ? new ApiError(code as ErrorCode, String(detail), status, document, headers)
    : new ApiError("network", `The answer, with status ${status}, is no problem document.`, status, document, headers);
}
