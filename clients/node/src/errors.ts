/** The errors of requests, each with its problem document (RFC 9457). */

/** A request that must not be served. */
export class Refused extends Error {
  /**
   * @param status of the response.
   * @param detail a sentence for the client.
   * @param code what programs compare.
   */
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly code: string,
  ) {
    super(detail);
    this.name = new.target.name;
  }

  /** The headers of the response, `Content-Type` included. */
  get headers(): Record<string, string> {
    return { "Content-Type": "application/problem+json", "Cache-Control": "no-store" };
  }

  /** The body of the response. */
  document(): Record<string, unknown> {
    const title = this.code.replaceAll("_", " ");
    return {
      type: `/problems/${this.code.replaceAll("_", "-")}`,
      title: title.charAt(0).toUpperCase() + title.slice(1),
      status: this.status,
      detail: this.detail,
      code: this.code,
    };
  }
}

/** 401: there is no good token. */
export class Unauthenticated extends Refused {
  constructor(detail: string, code = "invalid_token") {
    super(401, detail, code);
  }

  /** With the challenge of RFC 6750 section 3: no error where no token was sent. */
  override get headers(): Record<string, string> {
    const challenge = this.code === "missing_token" ? "Bearer" : 'Bearer error="invalid_token"';
    return { ...super.headers, "WWW-Authenticate": challenge };
  }
}

/** 403: the caller may not do this. */
export class Forbidden extends Refused {
  constructor(detail: string, code = "forbidden") {
    super(403, detail, code);
  }
}

/** 503: authapp has to be asked, and cannot be. The reason is for the log. */
export class Unavailable extends Refused {
  constructor(readonly reason: string) {
    super(503, "The authentication service is not available. Try again in a moment.", "authapp_unavailable");
    this.message = reason;
  }

  /** With `Retry-After`. */
  override get headers(): Record<string, string> {
    return { ...super.headers, "Retry-After": "2" };
  }
}

const warned = { text: "", at: -Infinity };

/** Say on stderr why authapp could not be asked: the same once a second. */
export function warn(text: string): void {
  const now = performance.now();
  if (text === warned.text && now - warned.at < 1000) return;
  Object.assign(warned, { text, at: now });
  console.warn(`authapp: ${text}`);
}
