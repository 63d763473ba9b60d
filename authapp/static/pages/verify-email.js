import { call, callSignedIn } from "./api.js";
import { bindTokenForm } from "./email-token.js";
import { onSubmit, showProblem } from "./form.js";
import { showPanel, signedInUser } from "./page.js";

const form = document.querySelector("[data-verify]");
const resend = document.querySelector("[data-resend]");

onSubmit(resend, async (values) => {
  const user = await signedInUser();
  await (user ? callSignedIn : call)("POST", "/auth/email/resend", values);
  const status = resend.querySelector("[data-status]");
  status.textContent = status.dataset.status;
});

/**
 * Say what the button removes, where somebody has asked for the email who was not signed in.
 * @param {boolean} isTakingBack
 */
function warn(isTakingBack) {
  for (const part of document.querySelectorAll("[data-take-back]")) {
    part.hidden = isTakingBack !== (part.dataset.takeBack === "yes");
  }
  const button = form.querySelector("button[type=submit]");
  if (isTakingBack) button.setAttribute("aria-describedby", "take-back");
  else button.removeAttribute("aria-describedby");
}

const user = await bindTokenForm(form, "/auth/email/verify", {
  opened: (address) => warn(address.get("take_back") === "1"),
  done: (stillSignedIn) => stillSignedIn && warn(false), // taking back would have ended the session
  async dead(problem) {
    if ((await signedInUser())?.email_verified) showPanel("verified");
    else showProblem(form, problem, "token");
  },
});
if (user) resend.elements.email.value ||= user.email;
