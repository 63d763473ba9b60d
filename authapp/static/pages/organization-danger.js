// Leaving the organization, and deleting it with its name typed.
import { callAccount } from "./account-call.js";
import { saidAs } from "./account-forms.js";
import { user } from "./account-user.js";
import { confirmNamed, confirmTyped } from "./confirm.js";
import { organization, path } from "./organization-current.js";
import { fill, showPanel } from "./page.js";
import { text } from "./text.js";

const section = document.querySelector("#danger");
const status = section.querySelector("#danger-done");

const askToLeaveIt = confirmNamed(document.querySelector("#leave-organization"), status, {
  call: () => callAccount("DELETE", `${path()}/members/${user().id}`).catch(saidAs({ last_admin: "only_admin" })),
  done: () => showGone("left"),
});
const askToDelete = confirmTyped(document.querySelector("#delete-organization"), status, {
  call: () => callAccount("DELETE", path()),
  done: () => showGone("deleted"),
});

/** @param {"left" | "deleted"} how */
function showGone(how) {
  fill("gone", text(`organization_${how}`, { name: organization().name }));
  fill("gone-lead", text(`organization_${how}_lead`));
  showPanel("gone");
  return "";
}

export function askToLeave() {
  askToLeaveIt(null, text("leave_organization_lead", { name: organization().name }));
}

export function startDanger() {
  section.querySelector("[data-leave]").addEventListener("click", askToLeave);
  section.querySelector("[data-delete]").addEventListener("click", () => askToDelete(null, organization().name));
  return () => undefined;
}
