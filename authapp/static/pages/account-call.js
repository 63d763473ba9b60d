// Calls of the account page: as the account, and with a step-up where the API asks for one (RFC 9470).
import { callSignedIn } from "./api.js";
import { leadToSignIn } from "./next.js";
import { authenticateAgain } from "./step-up.js";

const SIGNED_OUT = ["missing_token", "invalid_token", "expired_token", "revoked_token", "refresh_token_reused"];

/**
 * Call the API as the account. Where the sign-in is not recent, ask for it again and repeat the call. Where the session
 * has ended, leave the page.
 * @param {string} method
 * @param {string} path
 * @param {any} [body]
 */
export async function callAccount(method, path, body) {
  try {
    return await callSignedIn(method, path, body);
  } catch (problem) {
    if (SIGNED_OUT.includes(problem.code)) return signedOut();
    if (problem.code !== "reauthentication_required") throw problem;
  }
  await authenticateAgain(body?.password);
  return callSignedIn(method, path, body);
}

function signedOut() {
  leadToSignIn();
  return new Promise(() => {}); // what waits for the answer stays busy
}
