/** Guards as middleware of Express. */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Authapp, Guard, MemberOptions, UserOptions } from "./authapp.js";
import type { Member } from "./checks.js";
import { Refused } from "./errors.js";

declare global {
  namespace Express {
    interface Request {
      /** Who calls, where a guard of authapp comes first. */
      auth?: Member;
    }
  }
}

/** As much of a request of Express as a guard reads. */
export type GuardedRequest = IncomingMessage & { params: Record<string, unknown>; auth?: Member };
export type Middleware = (req: GuardedRequest, res: ServerResponse, next: (error?: unknown) => void) => Promise<void>;

export interface ExpressMemberOptions extends MemberOptions {
  /** In which organization. Default: `req.params.organizationId`. */
  organizationId?: (req: GuardedRequest) => unknown;
}

/** Makes middleware. The handlers behind it find the `Member` in `req.auth`. */
export class ExpressGuards {
  constructor(private readonly auth: Authapp) {}

  /** As `Authapp.member`. */
  member(role = "", { organizationId = ofPath, ...options }: ExpressMemberOptions = {}): Middleware {
    return middleware(this.auth.member(role, options), organizationId);
  }

  /** As `Authapp.user`. */
  user(options: UserOptions = {}): Middleware {
    return middleware(this.auth.user(options), () => "");
  }
}

function ofPath(req: GuardedRequest): unknown {
  return req.params.organizationId;
}

function middleware(guard: Guard, organizationOf: (req: GuardedRequest) => unknown): Middleware {
  return async (req, res, next) => {
    try {
      const sent = req.headersDistinct.authorization ?? [];
      req.auth = await guard.check(sent.length === 1 ? sent[0] : undefined, organizationOf(req));
    } catch (error) {
      if (error instanceof Refused) respond(res, error);
      else next(error);
      return;
    }
    next();
  };
}

function respond(res: ServerResponse, refused: Refused): void {
  res.statusCode = refused.status;
  for (const [name, value] of Object.entries(refused.headers)) res.setHeader(name, value);
  res.end(JSON.stringify(refused.document()));
}
