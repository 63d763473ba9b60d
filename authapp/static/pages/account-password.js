// A new password: with the present one, or by email where the account has none.
import { callAccount } from "./account-call.js";
import { beside, onSave } from "./account-forms.js";
import { keepUser, user } from "./account-user.js";
import { call } from "./api.js";

export function startPassword() {
  const change = document.querySelector("[data-change-password]");
  onSave(change, async ({ current_password, new_password }) => {
    const places = { wrong_credentials: ["current_password", "wrong_password"] };
    await callAccount("POST", "/auth/password/change", { current_password, new_password }).catch(beside(places));
    change.reset();
    keepUser(user()); // its email is in the form for password managers
    document.dispatchEvent(new Event("sessions-ended"));
  });
  onSave(document.querySelector("[data-set-password]"), async () => {
    await call("POST", "/auth/password/forgot", { email: user().email });
  });
}
