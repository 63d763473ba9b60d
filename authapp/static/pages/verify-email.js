import { call } from "./api.js";
import { bindTokenForm } from "./email-token.js";
import { onSubmit } from "./form.js";

const resend = document.querySelector("[data-resend]");
onSubmit(resend, async (values) => {
  await call("POST", "/auth/email/resend", values);
  const status = resend.querySelector("[data-status]");
  status.textContent = status.dataset.status;
});
await bindTokenForm(document.querySelector("[data-verify]"), "/auth/email/verify");
