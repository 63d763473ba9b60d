// The pages that use the token of an email: one form, one call, and what to say then.
import { call } from "./api.js";
import { onSubmit, showProblem } from "./form.js";
import { askForToken, fillToken, showPanel, signedInUser } from "./page.js";

/**
 * @param {HTMLFormElement} form
 * @param {string} path of the API, which takes the values of the form
 */
export async function bindTokenForm(form, path) {
  fillToken(form);
  addEventListener("hashchange", () => fillToken(form));
  onSubmit(form, async (values) => {
    try {
      await call("POST", path, { ...values, token: values.token.trim() });
      form.reset();
      showPanel("done");
    } catch (problem) {
      if (problem.code !== "invalid_email_token") throw problem;
      askForToken(form);
      showProblem(form, problem, "token");
    }
  });
  await signedInUser();
}
