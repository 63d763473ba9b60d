import { call, keep } from "./api.js";
import { onSubmit } from "./form.js";
import { nextPage } from "./next.js";
import { leave, showPanel } from "./page.js";
import "./providers.js";
import { showSignedIn } from "./signed-in.js";

onSubmit(document.querySelector("form"), async (values) => {
  const session = await call("POST", "/auth/register", values);
  if (session?.access_token) {
    keep(session);
    await leave(nextPage());
  } else {
    showPanel("mailbox"); // REGISTRATION_MODE=safe: the email says how to go on
  }
});
await showSignedIn();
