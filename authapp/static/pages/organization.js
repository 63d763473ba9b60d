// The console of an organization: finds it by the slug in the address, then starts the sections of the caller's role.
import { callAccount } from "./account-call.js";
import { openConsole } from "./console.js";
import { startApiKeys } from "./organization-api-keys.js";
import { isAdmin, keepOrganization } from "./organization-current.js";
import { startDanger } from "./organization-danger.js";
import { startHistory } from "./organization-history.js";
import { startInvitations } from "./organization-invitations.js";
import { startMembers } from "./organization-members.js";
import { startSettings } from "./organization-settings.js";
import { startWebhooks } from "./organization-webhooks.js";
import { startTrustedIdentities } from "./organization-trusted-identities.js";
import { bindViews } from "./views.js";

async function start() {
  const found = await find(location.pathname.split("/")[2]);
  if (!found) return "unknown";
  keepOrganization(found);
  if (!(await isLive(found.id))) return showSuspended();
  const danger = startDanger();
  const admins = () => ({
    invitations: startInvitations(),
    "api-keys": startApiKeys(),
    webhooks: startWebhooks(),
    "trusted-identities": startTrustedIdentities(),
    history: startHistory(),
    settings: startSettings(),
  });
  await bindViews({ members: startMembers(), ...(isAdmin() ? admins() : {}), danger });
}

/** @param {string} slug still encoded, as a query takes it */
async function find(slug) {
  try {
    return (await callAccount("GET", `/organizations?slug=${slug}`)).items[0];
  } catch (problem) {
    if (problem.code !== "validation_failed") throw problem;
    return undefined; // no organization can have this slug
  }
}

/** @param {string} id */
async function isLive(id) {
  try {
    return Boolean(await callAccount("GET", `/organizations/${id}`));
  } catch (problem) {
    if (problem.code !== "organization_suspended") throw problem;
    return false;
  }
}

function showSuspended() {
  for (const part of document.querySelectorAll("[data-suspended]")) part.hidden = false;
  document.querySelector(".contents").hidden = true;
}

await openConsole(start);
