// Signing in with a passkey: by a button, or where the browser fills in the email.
import { call } from "./api.js";
import { onSubmit, showProblem } from "./form.js";
import { beginRequest, choosePasskey, forgetPasskey, hasPasskeys } from "./passkeys.js";
import { Problem } from "./problem.js";

const RENEWED_AFTER = 4 * 60_000; // milliseconds: a challenge is valid for 5 minutes
const form = document.querySelector("[data-passkey]");

/** @typedef {(path: string, body: object) => Promise<void>} SignIn */

/**
 * Show the button where passkeys can be used.
 * @param {SignIn} signIn
 */
export function bindPasskeySignIn(signIn) {
  if (!hasPasskeys()) return;
  form.hidden = false;
  form.closest("[data-ways]").hidden = false;
  onSubmit(form, async () => {
    const request = beginRequest();
    try {
      const begun = await call("POST", "/auth/login/passkey/options");
      await send(signIn, begun, await choosePasskey(begun.options, request));
    } finally {
      void offerPasskeys(signIn);
    }
  });
  document.addEventListener("sign-in-again", () => void offerPasskeys(signIn));
}

/**
 * Let passkeys be among what the browser fills in as the email, until another request begins. Nobody has asked for it,
 * so it fails silently.
 * @param {SignIn} signIn
 */
export async function offerPasskeys(signIn) {
  if (!hasPasskeys() || !document.querySelector("[autocomplete~=webauthn]")) return;
  const request = beginRequest(); // before the first wait: what begins meanwhile ends this one
  const timer = setTimeout(renew, RENEWED_AFTER);

  function renew() {
    if (request.signal.aborted) return;
    if (document.hidden) document.addEventListener("visibilitychange", renew, { once: true });
    else void offerPasskeys(signIn);
  }

  try {
    if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
    const begun = await call("POST", "/auth/login/passkey/options");
    const passkey = request.signal.aborted ? null : await choosePasskey(begun.options, request, "conditional");
    clearTimeout(timer);
    if (passkey) await send(signIn, begun, passkey).catch((problem) => refuse(signIn, problem));
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
  } finally {
    clearTimeout(timer);
    request.abort();
  }
}

/**
 * @param {SignIn} signIn
 * @param {{ challenge_id: string, options: any }} begun
 * @param {any} passkey null where the request was ended
 */
async function send(signIn, { challenge_id, options }, passkey) {
  if (!passkey) return;
  try {
    await signIn("/auth/login/passkey", { challenge_id, passkey });
  } catch (problem) {
    if (problem.status === 404 && problem.code === "passkey_not_found") await forgetPasskey(options, passkey);
    throw problem;
  }
}

/**
 * @param {SignIn} signIn
 * @param {any} problem
 */
function refuse(signIn, problem) {
  if (!(problem instanceof Problem)) throw problem;
  showProblem(form, problem);
  void offerPasskeys(signIn);
}
