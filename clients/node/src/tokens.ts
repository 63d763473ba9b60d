/** Access tokens: JWTs (RFC 7519) with the profile of RFC 9068. */

import { decodeProtectedHeader, errors, jwtVerify, type JWTPayload } from "jose";
import { Unauthenticated } from "./errors.js";
import type { Keys } from "./keys.js";

const LEEWAY = 5; // seconds by which clocks may differ
const LONGEST = 4096; // of authapp's tokens
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const TYP = "at+jwt"; // RFC 9068 section 2.1

/** The claims of a token whose signature and times are good. */
export interface Claims {
  iss: string;
  aud: string;
  /** The account, or the trusted identity of a workload. */
  sub: string;
  /** The session. */
  sid: string;
  jti: string;
  type: "access" | "workload";
  iat: number;
  exp: number;
  [claim: string]: unknown;
}

/** Verify the signature and the claims. Throws Unauthenticated, or Unavailable where the key is unknown. */
export async function verify(token: string, keys: Keys, audience: string): Promise<Claims> {
  const key = await keys.find(keyId(token));
  if (!key) throw invalid();
  const { algorithm } = key;
  const verified = await jwtVerify(token, key.key, {
    algorithms: [algorithm],
    audience,
    issuer: keys.issuer,
    clockTolerance: LEEWAY,
    requiredClaims: ["exp", "iat"],
  }).catch((error: unknown) => {
    if (error instanceof errors.JWTExpired)
      throw new Unauthenticated("The access token has expired.", "expired_token");
    throw invalid();
  });
  if (!isComplete(verified.payload)) throw invalid();
  return verified.payload;
}

/** The `kid` of a token that may be one, by its size and its header. */
function keyId(token: unknown): string {
  if (typeof token !== "string" || token.length > LONGEST || !JWT.test(token)) throw invalid();
  try {
    const header = decodeProtectedHeader(token);
    if (header.typ === TYP && typeof header.kid === "string" && !("crit" in header) && !("b64" in header))
      return header.kid;
  } catch {} // malformed
  throw invalid();
}

function isComplete(claims: JWTPayload): claims is Claims {
  const { sub, sid, jti, type, aud, iat, exp } = claims;
  return (
    [sub, sid, jti].every((each) => typeof each === "string" && each) &&
    (type === "access" || type === "workload") &&
    typeof aud === "string" &&
    [iat, exp].every(Number.isSafeInteger) &&
    iat! <= Date.now() / 1000 + LEEWAY
  );
}

function invalid(): Unauthenticated {
  return new Unauthenticated("The access token is not valid.");
}
