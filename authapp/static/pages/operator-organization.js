// An organization, for an operator: its numbers, members, and whether it is suspended.
import { callAccount } from "./account-call.js";
import { nameOf } from "./avatar.js";
import { confirmNamed, confirmTyped } from "./confirm.js";
import { idOfAddress, openForOperators } from "./operator-gate.js";
import { bindActs, day, fillIdentity, moment, showActs, showStates, showSubject } from "./operator-parts.js";
import { fill } from "./page.js";
import { fillSlot } from "./paged-list.js";
import { pagedTable } from "./paged-table.js";
import { roleName } from "./role-names.js";
import { text, titled } from "./text.js";
import { bindViews } from "./views.js";

const PATH = `/operator/organizations/${idOfAddress()}`;
const status = document.querySelector("#actions-done");
/** @type {any} */
let organization = null;

async function read() {
  organization = await callAccount("GET", PATH);
  const { id, name, slug, subscription } = organization;
  const isSuspended = Boolean(organization.suspended_at);
  const isDeleted = Boolean(organization.deleted_at);
  showSubject({ id, name, about: slug });
  showStates(document, { suspended: isSuspended, deleted: isDeleted });
  fill("state", stateOf());
  fill("plan", titled(subscription.plan));
  fill("seats", subscription.seats === null ? text("unlimited") : String(subscription.seats));
  for (const number of ["members", "invitations"]) fill(number, String(organization[number]));
  fill("active-admins", String(organization.active_admins));
  fill("api-keys", String(organization.api_keys));
  fill("created", moment(organization.created_at));
  fill("id", id);
  const byOperator = organization.suspension_reason === "operator";
  showActs({ suspend: !isDeleted && !byOperator, restore: !isDeleted && isSuspended });
  document.querySelector(".danger-zone").hidden = isDeleted;
}

function stateOf() {
  const { deleted_at, suspended_at, suspension_reason } = organization;
  if (deleted_at) return text("deleted_at", { time: moment(deleted_at) });
  return suspended_at ? text(`suspended_${suspension_reason}`, { time: moment(suspended_at) }) : text("is_active");
}

/**
 * What was done, once the page shows it. The focus moves to the heading: the button is gone.
 * @param {string} done
 */
async function after(done) {
  await read();
  document.querySelector("#actions-title").focus();
  return done;
}

const askToSuspend = confirmTyped(document.querySelector("#suspend"), status, {
  call: () => callAccount("POST", `${PATH}/suspend`),
  done: () => after(text("suspended", { name: organization.name })),
});
const askToRestore = confirmNamed(document.querySelector("#restore"), status, {
  call: () => callAccount("POST", `${PATH}/restore`),
  done: () => after(text("restored", { name: organization.name })),
});

/**
 * @param {HTMLElement} row
 * @param {any} member
 */
function fillMember(row, { user, role, joined_at }) {
  const name = nameOf(user);
  fillIdentity(row, { id: user.id, name, about: name === user.email ? "" : user.email, href: `/operator/users/${user.id}` });
  fillSlot(row, "role", roleName(role));
  fillSlot(row, "joined", day(joined_at));
}

await openForOperators(async () => {
  await read();
  bindActs({
    suspend: () => askToSuspend(null, organization.name),
    restore: () => askToRestore(null, text("restore_lead", { name: organization.name })),
  });
  await bindViews({
    overview: () => undefined,
    members: pagedTable(document.querySelector("#members"), `${PATH}/members`, fillMember).open,
    actions: () => undefined,
  });
});
