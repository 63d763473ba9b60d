// The dialog for what needs a recent sign-in: asks for the password, and for a code where there is a second factor; or
// for a passkey.
import { beside, factor, openDialog, saidAs } from "./account-forms.js";
import { keepUser, user } from "./account-user.js";
import { call, callSignedIn, signOut } from "./api.js";
import { onSubmit } from "./form.js";
import { leadToSignIn } from "./next.js";
import { beginRequest, choosePasskey, hasPasskeys } from "./passkeys.js";
import { Problem } from "./problem.js";

const dialog = document.querySelector("#step-up");
const form = dialog.querySelector("[data-with-password]");
const passkeyForm = dialog.querySelector("[data-with-passkey]");
/** The section in which something was pressed last. */
let section = "";

/**
 * Authenticate again in this session. A password that was just typed is not asked for again.
 * @param {string} [password]
 * @returns {Promise<void>} rejected where the dialog was closed, or the password just typed is wrong
 */
export async function authenticateAgain(password) {
  if (password && !user().mfa_enabled) {
    try {
      return await reauthenticate({ password });
    } catch (problem) {
      if (!problem.fields.code) throw problem;
    }
  }
  if (user().has_passkey === undefined) await findPasskeys();
  openDialog(dialog);
  if (password) {
    form.elements.password.value = password;
    form.elements.code.focus();
  }
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  form.elements.password.value = "";
  if (dialog.returnValue === "done") return;
  throw new Problem({ code: "step_up_cancelled", status: 0, detail: "Nothing was changed." });
}

async function findPasskeys() {
  const has_passkey = hasPasskeys() && (await callSignedIn("GET", "/auth/passkeys")).items.length > 0;
  keepUser({ ...user(), has_passkey });
}

/** @param {object} body */
async function reauthenticate(body) {
  try {
    await callSignedIn("POST", "/auth/reauthenticate", body);
  } catch (problem) {
    if (problem.fields.code) keepUser(await callSignedIn("GET", "/auth/me")); // another tab has set up a second factor
    throw problem;
  }
}

onSubmit(form, async ({ password, code }) => {
  const body = { password, ...(user().mfa_enabled ? factor(code) : {}) };
  await reauthenticate(body).catch(beside({ wrong_credentials: ["password", "wrong_password"], wrong_code: ["code"] }));
  dialog.close("done");
});
onSubmit(passkeyForm, async () => {
  const request = beginRequest();
  dialog.addEventListener("close", () => request.abort(), { once: true });
  const { options } = await call("POST", "/auth/login/passkey/options");
  const passkey = await choosePasskey(options, request).catch(saidAs({ passkey_not_used: "step_up_cancelled" }));
  if (!passkey) return;
  await reauthenticate({ passkey });
  dialog.close("done");
});
dialog.querySelector("[data-sign-in-again]").addEventListener("click", async () => {
  await signOut();
  leadToSignIn(section && `#${section}`);
});
document.addEventListener("click", ({ target }) => {
  section = target.closest(".section")?.id ?? section;
});
