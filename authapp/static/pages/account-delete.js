// Deleting the account: with its email typed, and its password.
import { callAccount } from "./account-call.js";
import { beside, fieldProblem, openDialog } from "./account-forms.js";
import { user } from "./account-user.js";
import { onSubmit } from "./form.js";
import { showPanel, showUser } from "./page.js";

export function startDelete() {
  const dialog = document.querySelector("#delete-dialog");
  document.querySelector("[data-open=delete-dialog]").addEventListener("click", () => openDialog(dialog));
  onSubmit(dialog.querySelector("form"), async ({ typed_email, password }) => {
    const isSame = typed_email.trim().toLowerCase() === user().email.toLowerCase();
    if (!isSame) throw fieldProblem("typed_email", "not_your_email");
    const places = { wrong_credentials: ["password", "wrong_password"] };
    await callAccount("DELETE", "/auth/me", { password }).catch(beside(places));
    dialog.close();
    showUser(null);
    showPanel("deleted");
  });
}
