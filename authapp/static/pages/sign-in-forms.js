// The two steps of signing in: password, then second factor. See `sign_in_forms.html`.
import { beside } from "./account-forms.js";
import { call, keep } from "./api.js";
import { clearErrors, onSubmit, showProblem } from "./form.js";
import { showPanel } from "./page.js";
import { beginRequest, choosePasskey, hasPasskeys } from "./passkeys.js";

const START_AGAIN = ["invalid_mfa_token", "too_many_attempts"];
const BESIDE_CODE = beside({ wrong_code: ["code"] });
const BESIDE_RECOVERY_CODE = beside({ wrong_code: ["recovery_code", "wrong_recovery_code"] });

/**
 * @param {(session: any) => Promise<void> | void} onSignedIn
 * @returns {(path: string, body: object) => Promise<void>} signs in with a call, and shows the second step where needed
 */
export function bindSignIn(onSignedIn) {
  const passwordForm = document.querySelector("[data-sign-in]");
  const codeForm = document.querySelector("[data-code]");
  const recoveryForm = document.querySelector("[data-recovery-code]");
  const passkeyForm = document.querySelector("[data-passkey-factor]");
  let mfaToken = "";

  /** @param {any} session */
  async function finish(session) {
    for (const form of [passwordForm, codeForm, recoveryForm]) clearSecrets(form);
    await onSignedIn(keep(session));
  }

  /** @param {object | Promise<object | null>} answer null where it is not waited for any more */
  async function sendSecondFactor(answer) {
    try {
      const given = await answer;
      if (given) await finish(await call("POST", "/auth/login/mfa", { mfa_token: mfaToken, ...given }));
    } catch (problem) {
      if (!START_AGAIN.includes(problem.code)) throw problem;
      startAgain();
      showProblem(passwordForm, problem);
    }
  }

  async function askForPasskey() {
    const request = beginRequest();
    const options = await call("POST", "/auth/login/mfa/passkey", { mfa_token: mfaToken });
    const passkey = await choosePasskey(options, request);
    return passkey && { passkey };
  }

  function startAgain() {
    mfaToken = "";
    beginRequest(); // which ends one for a passkey
    for (const form of [codeForm, recoveryForm, passkeyForm]) clearSecrets(form);
    showPanel("password");
    document.dispatchEvent(new Event("sign-in-again"));
  }

  /**
   * @param {HTMLFormElement} shown
   * @param {HTMLFormElement} other
   */
  function show(shown, other) {
    shown.hidden = false;
    other.hidden = true;
    shown.querySelector("input").focus();
  }

  /**
   * @param {string} path
   * @param {object} body
   */
  async function signIn(path, body) {
    try {
      await finish(await call("POST", path, body));
    } catch (problem) {
      if (problem.code !== "mfa_required") throw problem;
      mfaToken = problem.document.mfa_token;
      passwordForm.elements.password.value = "";
      passkeyForm.hidden = !(hasPasskeys() && problem.document.methods.includes("passkey"));
      showPanel("second-factor");
      show(codeForm, recoveryForm);
    }
  }

  onSubmit(passwordForm, (values) => signIn("/auth/login", values));
  onSubmit(codeForm, ({ code }) => sendSecondFactor({ code: code.replace(/\s/g, "") }).catch(BESIDE_CODE));
  onSubmit(passkeyForm, () => sendSecondFactor(askForPasskey()));
  onSubmit(recoveryForm, ({ recovery_code }) => {
    return sendSecondFactor({ recovery_code: recovery_code.trim() }).catch(BESIDE_RECOVERY_CODE);
  });

  document.querySelector("[data-forgot]").addEventListener("click", (event) => {
    const email = passwordForm.elements.email.value.trim();
    if (email) event.currentTarget.href = `/forgot-password#email=${encodeURIComponent(email)}`;
  });
  document.querySelector("[data-use=recovery-code]").addEventListener("click", () => show(recoveryForm, codeForm));
  document.querySelector("[data-use=code]").addEventListener("click", () => show(codeForm, recoveryForm));
  document.querySelector("[data-start-again]").addEventListener("click", startAgain);
  return signIn;
}

/** @param {HTMLFormElement} form */
function clearSecrets(form) {
  clearErrors(form);
  for (const input of form.querySelectorAll("input:not([type=email])")) input.value = "";
}
