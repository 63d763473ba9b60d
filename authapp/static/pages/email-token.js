// The pages that use the token of an email: one form, one call, and what to say then.
import { call } from "./api.js";
import { onSubmit, showProblem } from "./form.js";
import { showPanel, signedInUser, takeFromAddress } from "./page.js";

/**
 * @param {HTMLFormElement} form
 * @param {string} path of the API, which takes the values of the form
 * @param {object} [handlers]
 * @param {(address: URLSearchParams) => void} [handlers.opened] with what the address has beside the token
 * @param {(user: any) => void} [handlers.done] with the account that is still signed in, or null
 * @param {(problem: import("./problem.js").Problem) => unknown} [handlers.dead] where the token is not valid
 * @returns {Promise<any>} the account that is signed in, or null
 */
export async function bindTokenForm(form, path, { opened, done, dead } = {}) {
  onSubmit(form, async (values) => {
    try {
      await call("POST", path, { ...values, token: values.token.trim() });
    } catch (problem) {
      if (problem.code !== "invalid_email_token") throw problem;
      askForToken(form);
      return dead ? dead(problem) : showProblem(form, problem, "token");
    }
    const user = await signedInUser(); // the session may have ended, or the address have changed
    form.reset();
    done?.(user);
    showPanel("done");
  });
  const open = () => {
    const address = takeFromAddress("token");
    if (!address) return;
    opened?.(address);
    showPanel("form", { focus: false }); // where the page was at its end already
    fillToken(form, address.get("token"));
  };
  open();
  addEventListener("hashchange", open);
  return signedInUser();
}

/**
 * Put the token of the address into the form, hide its field, and move the focus to what is left to do.
 * @param {HTMLFormElement} form
 * @param {string} token
 */
function fillToken(form, token) {
  form.elements.token.value = token;
  form.querySelector("[data-token]").hidden = true;
  form.querySelector("input:not([name=token]), button[type=submit]").focus();
}

/**
 * Show the field of the token, empty: the one from the address is dead.
 * @param {HTMLFormElement} form
 */
function askForToken(form) {
  form.elements.token.value = "";
  form.querySelector("[data-token]").hidden = false;
}
