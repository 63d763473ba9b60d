// An account, for an operator: its numbers, organizations, history, and what may be done to it.
import { callAccount } from "./account-call.js";
import { user as me } from "./account-user.js";
import { fillEvent } from "./audit-event.js";
import { nameOf } from "./avatar.js";
import { confirmNamed, confirmTyped } from "./confirm.js";
import { idOfAddress, openForOperators } from "./operator-gate.js";
import { bindActs, fillIdentity, moment, showActs, showStates, showSubject, yesOrNo } from "./operator-parts.js";
import { fill } from "./page.js";
import { fillSlot } from "./paged-list.js";
import { pagedTable } from "./paged-table.js";
import { roleName } from "./role-names.js";
import { text } from "./text.js";
import { bindViews } from "./views.js";

const PATH = `/operator/users/${idOfAddress()}`;
const status = document.querySelector("#actions-done");
/** @type {any} */
let account = null;

async function read() {
  account = await callAccount("GET", PATH);
  const name = nameOf(account);
  showSubject({ id: account.id, name, about: name === account.email ? "" : account.email });
  showStates(document, { inactive: !account.is_active, operator: account.is_operator });
  fill("email-state", `${account.email} (${text(account.email_verified ? "verified" : "not_verified")})`);
  fill("factor", text(account.mfa_enabled ? "on" : "off"));
  fill("password", yesOrNo(account.has_password));
  for (const name of ["passkeys", "identities", "sessions", "organizations"]) fill(name, String(account[name]));
  fill("recovery-codes", String(account.recovery_codes_left));
  fill("last-sign-in", moment(account.last_login_at));
  fill("created", moment(account.created_at));
  fill("id", account.id);
  const isOther = account.id !== me().id;
  showActs({ "end-sessions": account.is_active, deactivate: account.is_active && isOther, activate: !account.is_active });
}

/**
 * What was done, once the page shows it. The focus moves to the heading: the button may be gone.
 * @param {string} done
 */
async function after(done) {
  await read();
  document.querySelector("#actions-title").focus();
  return done;
}

const askToEnd = confirmNamed(document.querySelector("#end-sessions"), status, {
  call: () => callAccount("DELETE", `${PATH}/sessions`),
  done: (_, { ended }) => after(text("sessions_ended", { count: ended })),
});
const askToDeactivate = confirmTyped(document.querySelector("#deactivate"), status, {
  call: () => callAccount("POST", `${PATH}/deactivate`),
  done: (_, { suspended }) => after(text("deactivated", { email: account.email, count: suspended })),
});
const askToActivate = confirmNamed(document.querySelector("#activate"), status, {
  call: () => callAccount("POST", `${PATH}/activate`),
  done: (_, { restored, still_suspended }) =>
    after(text("activated", { email: account.email, restored, suspended: still_suspended })),
});

/**
 * @param {HTMLElement} row
 * @param {any} organization
 */
function fillOrganization(row, { id, name, slug, role, suspended_at }) {
  fillIdentity(row, { id, name, about: slug, href: `/operator/organizations/${id}` });
  showStates(row, { suspended: Boolean(suspended_at) });
  fillSlot(row, "role", roleName(role));
}

/**
 * @param {HTMLElement} row
 * @param {any} event
 */
function showEvent(row, event) {
  fillEvent(row, event, actorOf(event));
}

/** @param {any} event */
function actorOf({ actor_id, actor_type, details }) {
  if (!actor_id) return text("actor_none");
  if (actor_id === me().id) return text("actor_you");
  if (details.by === "operator") return text("actor_operator");
  return actor_id === account.id ? account.email : text(`by_${actor_type}`, { id: actor_id.slice(-8) });
}

await openForOperators(async () => {
  await read();
  bindActs({
    "end-sessions": () => askToEnd(null, text("end_sessions_of", { email: account.email, count: account.sessions })),
    deactivate: () => askToDeactivate(null, account.email),
    activate: () => askToActivate(null, text("activate_lead", { email: account.email })),
  });
  await bindViews({
    overview: () => undefined,
    organizations: pagedTable(document.querySelector("#organizations"), `${PATH}/organizations`, fillOrganization).open,
    history: pagedTable(document.querySelector("#history"), `${PATH}/audit-events`, showEvent).open,
    actions: () => undefined,
  });
});
