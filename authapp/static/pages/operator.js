// The operator's console: accounts and organizations of everybody, emails that are not sent, how the service is.
import { nameOf } from "./avatar.js";
import { openForOperators } from "./operator-gate.js";
import { readHealth, startHealth } from "./operator-health.js";
import { startOutbox } from "./operator-outbox.js";
import { day, fillIdentity, showStates } from "./operator-parts.js";
import { fillSlot } from "./paged-list.js";
import { pagedTable } from "./paged-table.js";
import { text, titled } from "./text.js";
import { bindViews } from "./views.js";

/**
 * @param {HTMLElement} row
 * @param {any} user
 */
function fillUser(row, user) {
  const name = nameOf(user);
  const about = name === user.email ? "" : user.email;
  fillIdentity(row, { id: user.id, name, about, href: `/operator/users/${user.id}` });
  showStates(row, { inactive: !user.is_active, operator: user.is_operator });
  fillSlot(row, "factor", text(user.mfa_enabled ? "on" : "off"));
  fillSlot(row, "last-sign-in", day(user.last_login_at));
  fillSlot(row, "created", day(user.created_at));
}

/**
 * @param {HTMLElement} row
 * @param {any} organization
 */
function fillOrganization(row, organization) {
  const { id, name, slug: about } = organization;
  fillIdentity(row, { id, name, about, href: `/operator/organizations/${id}` });
  showStates(row, { suspended: Boolean(organization.suspended_at), deleted: Boolean(organization.deleted_at) });
  fillSlot(row, "plan", titled(organization.subscription.plan));
  fillSlot(row, "created", day(organization.created_at));
}

await openForOperators(async () => {
  await readHealth();
  await bindViews({
    users: pagedTable(document.querySelector("#users"), "/operator/users", fillUser).open,
    organizations: pagedTable(document.querySelector("#organizations"), "/operator/organizations", fillOrganization).open,
    outbox: startOutbox(),
    health: startHealth(),
  });
});
