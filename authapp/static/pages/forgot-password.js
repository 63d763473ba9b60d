import { call } from "./api.js";
import { onSubmit } from "./form.js";
import { showPanel, signedInUser } from "./page.js";

onSubmit(document.querySelector("form"), async (values) => {
  await call("POST", "/auth/password/forgot", values);
  showPanel("sent");
});
await signedInUser();
