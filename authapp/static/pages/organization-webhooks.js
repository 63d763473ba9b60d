// The webhooks: create, edit, rotate the secret, delete.
import { callAccount } from "./account-call.js";
import { onSave, openDialog } from "./account-forms.js";
import { confirmNamed } from "./confirm.js";
import { orGone, path } from "./organization-current.js";
import { showDeliveries } from "./organization-webhook-deliveries.js";
import { showSecret } from "./organization-webhook-shown.js";
import { DATE, fillSlot, readableTime } from "./paged-list.js";
import { pagedTable } from "./paged-table.js";
import { text } from "./text.js";

const section = document.querySelector("#webhooks");
const status = section.querySelector("#webhooks-done");
const creation = document.querySelector("#create-webhook");
const editing = document.querySelector("#edit-webhook");
const rotation = document.querySelector("#rotate-webhook");
/** @type {ReturnType<typeof pagedTable>} */
let table;
/** @type {any} */
let chosen = null;

const askToDelete = confirmNamed(document.querySelector("#delete-webhook"), status, {
  call: (webhook) => callAccount("DELETE", webhookPath(webhook)).catch(orGone),
  done: (webhook) => reopened("webhook_deleted", webhook.url),
});

/** @param {{ id: string }} webhook */
function webhookPath({ id }) {
  return `${path()}/webhooks/${id}`;
}

/**
 * @param {HTMLElement} row
 * @param {any} webhook
 */
function fillRow(row, webhook) {
  fillSlot(row, "title", webhook.url);
  fillSlot(row, "about", webhook.description ?? text("key_since", { time: readableTime(webhook.created_at, DATE) }));
  fillSlot(row, "actions", webhook.actions?.join(", ") ?? text("all_actions"));
  fillSlot(row, "state", stateOf(webhook));
  row.querySelector("[data-deliveries]").addEventListener("click", () => showDeliveries(webhook, webhookPath(webhook)));
  row.querySelector("[data-edit]").addEventListener("click", () => edit(webhook));
  row.querySelector("[data-rotate]").addEventListener("click", () => askToRotate(webhook));
  const lead = text("delete_webhook_lead", { name: webhook.url });
  row.querySelector("[data-delete]").addEventListener("click", () => askToDelete(webhook, lead));
  for (const button of row.querySelectorAll("button")) button.ariaLabel = `${button.textContent}: ${webhook.url}`;
}

/** @param {any} webhook */
function stateOf({ disabled_reason, failing_since }) {
  if (disabled_reason) return text(`webhook_disabled_${disabled_reason}`);
  return failing_since ? text("webhook_failing", { time: readableTime(failing_since) }) : text("webhook_works");
}

/** @param {any} webhook */
function edit(webhook) {
  chosen = webhook;
  openDialog(editing);
  const { url, actions, description, enabled } = editing.querySelector("form").elements;
  url.value = webhook.url;
  actions.value = webhook.actions?.join(" ") ?? "";
  description.value = webhook.description ?? "";
  enabled.value = webhook.enabled ? "on" : "";
}

/** @param {any} webhook */
function askToRotate(webhook) {
  chosen = webhook;
  openDialog(rotation);
  rotation.querySelector("[data-lead]").textContent = text("rotate_webhook_lead", { name: webhook.url });
}

/**
 * @param {string} said
 * @param {string} name
 */
async function reopened(said, name) {
  await table.open();
  section.querySelector("h2").focus();
  return text(said, { name });
}

/** @param {Record<string, string>} values as they are typed, for the API */
function written({ url, actions = "", description = "" }) {
  const named = actions.split(/[\s,]+/).filter(Boolean);
  return { url: url.trim(), actions: named.length ? named : null, description: description.trim() || null };
}

/** @param {Record<string, string>} values */
async function create(values) {
  const issued = await callAccount("POST", `${path()}/webhooks`, written(values));
  creation.close();
  await showSecret(issued);
  return reopened("webhook_created", issued.url);
}

/** @param {Record<string, string>} values */
async function save(values) {
  const changed = await callAccount("PATCH", webhookPath(chosen), { ...written(values), enabled: values.enabled === "on" });
  editing.close();
  return reopened("webhook_changed", changed.url);
}

/** @param {Record<string, string>} values */
async function rotate({ overlap_seconds }) {
  const issued = await callAccount("POST", `${webhookPath(chosen)}/rotate-secret`, { overlap_seconds: Number(overlap_seconds) });
  rotation.close();
  await showSecret(issued);
  return reopened("webhook_rotated", issued.url);
}

export function startWebhooks() {
  table = pagedTable(section, `${path()}/webhooks`, fillRow);
  for (const button of section.querySelectorAll("[data-create]")) button.addEventListener("click", () => openDialog(creation));
  onSave(creation.querySelector("form"), create, status);
  onSave(editing.querySelector("form"), save, status);
  onSave(rotation.querySelector("form"), rotate, status);
  return table.open;
}
