// Names and email.
import { callAccount } from "./account-call.js";
import { beside, fold, onSave } from "./account-forms.js";
import { keepUser, user } from "./account-user.js";
import { text } from "./text.js";

const NAMES = ["first_name", "last_name"];

export function startProfile() {
  const names = document.querySelector("[data-names]");
  for (const name of NAMES) names.elements[name].value = user()[name] ?? "";
  onSave(names, async (values) => {
    const changes = Object.fromEntries(NAMES.map((name) => [name, values[name]?.trim() || null]));
    keepUser(await callAccount("PATCH", "/auth/me", changes));
  });

  onSave(document.querySelector("[data-resend]"), async () => {
    await callAccount("POST", "/auth/email/resend", { email: user().email });
  });

  const change = document.querySelector("[data-change-email]");
  onSave(change, (values) => changeEmail(change, values), document.querySelector("#email-changed"));
}

/**
 * @param {HTMLFormElement} form
 * @param {Record<string, string>} values
 */
async function changeEmail(form, { new_email, password }) {
  const places = { wrong_credentials: ["password", "wrong_password"], email_taken: ["new_email", "address_taken"] };
  await callAccount("POST", "/auth/email/change", { new_email, password }).catch(beside(places));
  fold(form);
  return text("email_change_sent", { email: new_email });
}
