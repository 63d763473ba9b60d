// Sign-in with a provider: the links there, and what the browser brings back.
import { showProblem } from "./form.js";
import { keepNext, restoreNext } from "./next.js";
import { showPanel, takeFromAddress } from "./page.js";
import { Problem } from "./problem.js";
import { hasSentence } from "./text.js";

for (const link of document.querySelectorAll("[data-provider]")) link.addEventListener("click", keepNext);

/**
 * Take what a provider has sent out of the address.
 * @returns {URLSearchParams | null} with `code` or `error`
 */
export function takeAnswer() {
  const answer = takeFromAddress("code") ?? takeFromAddress("error");
  if (answer) restoreNext();
  return answer;
}

/**
 * Exchange the code of a provider for a session, or say why there is none, above the form for a password.
 * @param {URLSearchParams} answer
 * @param {(path: string, body: object) => Promise<void>} signIn
 */
export async function useAnswer(answer, signIn) {
  showPanel("coming-back");
  try {
    const code = answer.get("code");
    if (!code) throw problemOf(answer.get("error"), "providers_full");
    await signIn("/auth/sso/exchange", { code });
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    showPanel("password");
    showProblem(document.querySelector("[data-sign-in]"), problem);
  }
}

/**
 * The problem that an address tells of. Anybody can write an address: only sentences of ours are shown.
 * @param {string} code
 * @param {string} [limit] what a limit is called there
 */
export function problemOf(code, limit = "too_many_providers") {
  const known = hasSentence(code) ? code : "sso_failed";
  return new Problem({ code: known === "limit_reached" ? limit : known, status: 0, detail: "" });
}
