import { call } from "./api.js";
import { onSubmit } from "./form.js";
import { showPanel, signedInUser, takeFromAddress } from "./page.js";

const form = document.querySelector("form");
form.elements.email.value = takeFromAddress("email")?.get("email") ?? "";
onSubmit(form, async (values) => {
  await call("POST", "/auth/password/forgot", values);
  showPanel("sent");
});
const user = await signedInUser();
if (user) form.elements.email.value ||= user.email;
