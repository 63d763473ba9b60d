// The invitations: invite, send again, revoke.
import { callAccount } from "./account-call.js";
import { beside, onSave, openDialog } from "./account-forms.js";
import { showAvatar } from "./avatar.js";
import { confirmNamed } from "./confirm.js";
import { orGone, path } from "./organization-current.js";
import { DATE, fillSlot, readableTime } from "./paged-list.js";
import { pagedTable } from "./paged-table.js";
import { roleMeaning, roleName } from "./role-names.js";
import { text } from "./text.js";

const section = document.querySelector("#invitations");
const status = section.querySelector("#invitations-done");
const dialog = document.querySelector("#invite");
const form = dialog.querySelector("form");
const KINDS = { pending: "warn", accepted: "good" };
/** @type {ReturnType<typeof pagedTable>} */
let table;

const askToRevoke = confirmNamed(document.querySelector("#revoke-invitation"), status, {
  call: (invitation) => callAccount("DELETE", `${path()}/invitations/${invitation.id}`).catch(orGone),
  done: (invitation) => reopened("invitation_withdrawn", invitation.email),
});

/**
 * @param {HTMLElement} row
 * @param {any} invitation
 */
function fillRow(row, invitation) {
  const { id, email, role, created_at } = invitation;
  showAvatar(row.querySelector("[data-avatar]"), id, email);
  fillSlot(row, "title", email);
  fillSlot(row, "about", text("invited_at", { time: readableTime(created_at, DATE) }));
  fillSlot(row, "role", roleName(role));
  showState(row, invitation);
  onSave(row.querySelector("[data-resend]"), () => resend(row, invitation), status);
  row.querySelector("[data-revoke]").addEventListener("click", () => {
    askToRevoke(invitation, text("revoke_invitation_lead", { email }));
  });
  for (const button of row.querySelectorAll("button")) button.ariaLabel = `${button.textContent}: ${email}`;
}

/**
 * @param {HTMLElement} row
 * @param {any} invitation
 */
function showState(row, invitation) {
  const state = invitation.status;
  const isPending = state === "pending";
  fillSlot(row, "status", text(`invitation_${state}`));
  row.querySelector("[data-slot=status]").className = `badge ${KINDS[state] ?? "calm"}`;
  fillSlot(row, "expires", isPending ? readableTime(invitation.expires_at) : "");
  row.querySelector("[data-resend]").hidden = !isPending && state !== "expired";
  row.querySelector("[data-revoke]").hidden = !isPending;
}

/**
 * Send it again. The row stays, so that its button keeps the focus.
 * @param {HTMLElement} row
 * @param {any} invitation
 */
async function resend(row, { id, email }) {
  showState(row, await callAccount("POST", `${path()}/invitations/${id}/resend`));
  return text("invitation_resent", { email });
}

/**
 * @param {string} said
 * @param {string} email
 */
async function reopened(said, email) {
  await table.open();
  section.querySelector("h2").focus();
  return text(said, { email });
}

function showMeaning() {
  dialog.querySelector("[data-means]").textContent = roleMeaning(form.elements.role.value);
}

/** @param {Record<string, string>} values */
async function invite({ email, role }) {
  const places = { already_member: ["email", "their_member"], invitation_pending: ["email"] };
  await callAccount("POST", `${path()}/invitations`, { email, role }).catch(beside(places));
  dialog.close();
  if (section.hidden) location.hash = "#invitations";
  return reopened("invitation_sent", email);
}

export function startInvitations() {
  table = pagedTable(section, `${path()}/invitations`, fillRow);
  onSave(form, invite, status);
  form.elements.role.setAttribute("aria-describedby", "invite-role-means invite-role-error");
  form.elements.role.addEventListener("change", showMeaning);
  for (const button of document.querySelectorAll("[data-invite]")) {
    button.addEventListener("click", () => {
      openDialog(dialog);
      showMeaning();
    });
  }
  return table.open;
}
