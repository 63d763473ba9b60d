// What happened in the organization, newest first, with filters. Each event has its inclusion proof.
import { callAccount } from "./account-call.js";
import { onSave } from "./account-forms.js";
import { fillEvent } from "./audit-event.js";
import { showAvatar } from "./avatar.js";
import { saveFile } from "./copy.js";
import { path } from "./organization-current.js";
import { actorName, nameOfId, readNames } from "./organization-directory.js";
import { readableTime } from "./paged-list.js";
import { pagedTable } from "./paged-table.js";
import { actionSentence, actionsOf, text } from "./text.js";

const KINDS = [
  "organization", "member", "invitation", "api_key", "trusted_identity", "workload", "webhook", "access",
];
const section = document.querySelector("#history");
const filters = section.querySelector("[data-filters]");

/**
 * @param {HTMLElement} row
 * @param {any} event
 */
function fillRow(row, event) {
  const who = actorName(event);
  fillEvent(row, event, who, event.target_id !== event.actor_id ? nameOfId(event.target_id) : null);
  showAvatar(row.querySelector("[data-avatar]"), event.actor_id ?? "0", event.actor_id ? who : "");
  const form = row.querySelector("[data-inclusion]");
  form.querySelector("button").ariaLabel = text("inclusion_of", { event: `${actionSentence(event.action)}, ${readableTime(event.created_at)}` });
  onSave(form, () => saveInclusion(event), section.querySelector("#history-done"));
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
