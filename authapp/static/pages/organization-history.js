// What happened in the organization, newest first, with filters. Each event has its inclusion proof.
import { callAccount } from "./account-call.js";
import { onSave } from "./account-forms.js";
import { showAvatar } from "./avatar.js";
import { saveFile } from "./copy.js";
import { path } from "./organization-current.js";
import { actorName, nameOfId, readNames } from "./organization-directory.js";
import { fillSlot, readableTime } from "./paged-list.js";
import { pagedTable } from "./paged-table.js";
import { actionSentence, actionsOf, text } from "./text.js";
import { deviceName } from "./user-agent.js";

const KINDS = ["organization", "member", "invitation", "api_key", "access"];
const ROLES = ["admin", "developer", "viewer"];
const section = document.querySelector("#history");
const filters = section.querySelector("[data-filters]");

/**
 * @param {HTMLElement} row
 * @param {any} event
 */
function fillRow(row, event) {
  const who = actorName(event);
  const origin = [event.user_agent && deviceName(event.user_agent), event.ip_address];
  fillSlot(row, "title", actionSentence(event.action));
  fillSlot(row, "about", about(event));
  fillSlot(row, "actor", who);
  fillSlot(row, "origin", origin.filter(Boolean).join(" · "));
  showAvatar(row.querySelector("[data-avatar]"), event.actor_id ?? "0", event.actor_id ? who : "");
  const time = row.querySelector("time");
  time.dateTime = event.created_at;
  time.textContent = readableTime(event.created_at);
  const form = row.querySelector("[data-inclusion]");
  form.querySelector("button").ariaLabel = text("inclusion_of", { event: `${actionSentence(event.action)}, ${time.textContent}` });
  onSave(form, () => saveInclusion(event), section.querySelector("#history-done"));
}

/**
 * Whom or what it is about, and its details. Roles in words, the rest as the API has it, without ids.
 * @param {any} event
 */
function about({ actor_id, target_id, details }) {
  const { name, email, before, after, role, by: _, ...others } = details; // the actor says by whom
  const known = [
    name ?? email ?? (target_id !== actor_id && nameOfId(target_id)),
    role && inWords(role),
    before && after && `${inWords(before)} → ${inWords(after)}`,
    before && !after && text("formerly", { name: before }),
    ...Object.entries(others).filter(([key]) => !key.endsWith("_id")).map(([key, value]) => `${key}: ${value}`),
  ];
  return known.filter(Boolean).join(" · ");
}

/** @param {string} value */
function inWords(value) {
  return ROLES.includes(value) ? text(value) : value;
}

/** @param {any} event */
async function saveInclusion({ id }) {
  const found = await callAccount("GET", `${path()}/audit-events/${id}/proof`);
  saveFile(`${id}-proof.json`, JSON.stringify(found, null, 2), "application/json");
  return text("inclusion_saved");
}

/**
 * Offer choices after the first, which is any. What was chosen stays.
 * @param {HTMLSelectElement} select
 * @param {[value: string, title: string][]} choices
 */
function offer(select, choices) {
  const { value } = select;
  select.replaceChildren(select.options[0], ...choices.map(([id, title]) => new Option(title, id)));
  select.value = choices.some(([id]) => id === value) ? value : "";
}

export function startHistory() {
  const table = pagedTable(section, `${path()}/audit-events`, fillRow);
  offer(filters.elements.action, actionsOf(KINDS));
  return async () => {
    offer(filters.elements.actor_id, await readNames().catch(() => [])); // else actors are called by their ids
    await table.open();
  };
}
