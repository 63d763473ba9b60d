import { call, callSignedIn, keep } from "./api.js";
import { onSubmit, showProblem } from "./form.js";
import { KEPT } from "./next.js";
import { fill, showPanel, showUser, signedInUser, takeFromAddress } from "./page.js";
import { bindPasskeySignIn } from "./passkey-sign-in.js";
import "./providers.js";
import { bindSignIn } from "./sign-in-forms.js";
import { roleMeaning, roleName } from "./role-names.js";
import { text } from "./text.js";

const $ = (/** @type {string} */ selector) => document.querySelector(selector);
const form = { preview: $("[data-preview]"), register: $("[data-register]"), signIn: $("[data-sign-in]") };
const dialog = $("[data-decline-dialog]");
let token = "";
/** @type {any} */
let invitation = null;

/** @param {string} found */
async function open(found) {
  token = found.trim();
  invitation = await call("POST", "/invitations/preview", { token });
  sessionStorage.setItem(KEPT, token);
  fill("heading", text("invited_to", { organization: invitation.organization.name }));
  fill("role", roleName(invitation.role));
  fill("role-means", roleMeaning(invitation.role));
  fill("invited-email", invitation.email);
  const until = new Date(invitation.expires_at);
  fill("until", until.toLocaleString(document.documentElement.lang, { dateStyle: "long", timeStyle: "short" }));
  for (const one of [form.register, form.signIn]) if (one) one.elements.email.value = invitation.email;
  choosePanel(await signedInUser());
}

/** @param {any} user */
function choosePanel(user) {
  if (!user) showPanel(form.register ? "register" : "password"); // REGISTRATION_MODE=closed: no new accounts
  else showPanel(user.email === invitation.email ? "accept" : "other-account");
}

async function accept() {
  finish(await callSignedIn("POST", "/invitations/accept", { token }));
}

/** @param {{ slug: string }} joined the organization */
function finish({ slug }) {
  sessionStorage.removeItem(KEPT);
  const { organization, role } = invitation;
  fill("joined", text("joined", { organization: organization.name, role: roleName(role) }));
  const onward = $("[data-organization]"); // where there is no front end
  if (onward) onward.href = `/organizations/${slug}`;
  showPanel("done");
}

onSubmit(form.preview, async (values) => {
  try {
    await open(values.token);
  } catch (problem) {
    sessionStorage.removeItem(KEPT);
    showPanel("token", { focus: false });
    if (problem.code !== "invalid_invitation") throw problem;
    showProblem(form.preview, problem, "token");
  }
});
onSubmit(form.register, async (values) => {
  try {
    const session = keep(await call("POST", "/auth/register", { ...values, invitation_token: token }));
    showUser(session.user);
    finish(session.organization);
  } catch (problem) {
    if (problem.code !== "email_taken") throw problem;
    showPanel("password");
    showProblem(form.signIn, problem);
  }
});
const signIn = bindSignIn(async (session) => {
  showUser(session.user);
  showPanel("accept");
  $("[data-accept]").requestSubmit(); // its form says so where that fails
});
bindPasskeySignIn(signIn);
onSubmit($("[data-accept]"), accept);
onSubmit($("[data-decline-form]"), async () => {
  await call("POST", "/invitations/decline", { token });
  sessionStorage.removeItem(KEPT);
  dialog.close();
  showPanel("declined");
});

for (const button of document.querySelectorAll("[data-show]")) {
  button.addEventListener("click", () => showPanel(button.dataset.show));
}
for (const button of document.querySelectorAll("[data-decline]")) {
  button.addEventListener("click", () => dialog.showModal());
}
$("[data-close]").addEventListener("click", () => dialog.close());

async function start() {
  const found = takeFromAddress("token")?.get("token") ?? sessionStorage.getItem(KEPT);
  if (!found) {
    showPanel("token");
    return signedInUser();
  }
  form.preview.elements.token.value = found;
  form.preview.requestSubmit();
}

addEventListener("hashchange", start);
await start();
