// The API keys: create, rename, rotate, revoke.
import { callAccount } from "./account-call.js";
import { onSave, openDialog } from "./account-forms.js";
import { showAvatar } from "./avatar.js";
import { confirmNamed } from "./confirm.js";
import { showKey } from "./organization-api-key-shown.js";
import { orGone, path } from "./organization-current.js";
import { DATE, fillSlot, readableTime } from "./paged-list.js";
import { pagedTable } from "./paged-table.js";
import { roleName } from "./role-names.js";
import { text } from "./text.js";

const section = document.querySelector("#api-keys");
const status = section.querySelector("#api-keys-done");
const creation = document.querySelector("#create-key");
const renaming = document.querySelector("#rename-key");
const rotation = document.querySelector("#rotate-key");
const DAY = 24 * 3600 * 1000;
/** @type {ReturnType<typeof pagedTable>} */
let table;
/** @type {any} */
let chosen = null;

const askToRevoke = confirmNamed(document.querySelector("#revoke-key"), status, {
  call: (key) => callAccount("DELETE", keyPath(key)).catch(orGone),
  done: (key) => reopened("key_revoked", key.name),
});

/** @param {{ id: string }} key */
function keyPath({ id }) {
  return `${path()}/api-keys/${id}`;
}

/**
 * @param {HTMLElement} row
 * @param {any} key
 */
function fillRow(row, key) {
  const until = key.previous_secret_expires_at;
  const about = until ? text("key_overlap", { time: readableTime(until) }) : text("key_since", { time: readableTime(key.created_at, DATE) });
  showAvatar(row.querySelector("[data-avatar]"), key.id, key.name);
  fillSlot(row, "title", key.name);
  fillSlot(row, "about", about);
  fillSlot(row, "role", roleName(key.role));
  if (row.querySelector("[data-slot=permissions]")) fillSlot(row, "permissions", key.permissions.join(", "));
  fillSlot(row, "used", key.last_used_at ? readableTime(key.last_used_at) : text("never_used"));
  fillSlot(row, "expires", key.expires_at ? readableTime(key.expires_at, DATE) : text("never"));
  const hasExpired = key.expires_at && Date.parse(key.expires_at) <= Date.now();
  row.querySelector("[data-slot=expired]").hidden = !hasExpired;
  row.querySelector("[data-rotate]").hidden = hasExpired;
  row.querySelector("[data-rename]").addEventListener("click", () => openFor(renaming, key));
  row.querySelector("[data-rotate]").addEventListener("click", () => openFor(rotation, key));
  const lead = text("revoke_key_lead", { name: key.name });
  row.querySelector("[data-revoke]").addEventListener("click", () => askToRevoke(key, lead));
  for (const button of row.querySelectorAll("button")) button.ariaLabel = `${button.textContent}: ${key.name}`;
}

/**
 * @param {HTMLDialogElement} dialog
 * @param {any} key
 */
function openFor(dialog, key) {
  chosen = key;
  openDialog(dialog);
  const { name } = dialog.querySelector("form").elements;
  if (name) name.value = key.name;
  name?.select();
  const lead = dialog.querySelector("[data-lead]");
  if (lead) lead.textContent = text("rotate_key_lead", { name: key.name });
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

/** @param {Record<string, string>} values */
async function create({ name, role, expires_in }) {
  const expires_at = expires_in ? new Date(Date.now() + Number(expires_in) * DAY).toISOString() : null;
  const granted = creation.querySelectorAll("[name=permissions]:checked");
  const permissions = [...granted].map((box) => box.value);
  const issued = await callAccount("POST", `${path()}/api-keys`, { name, role, expires_at, permissions });
  creation.close();
  await showKey(issued);
  return reopened("key_created", issued.name);
}

/** @param {Record<string, string>} values */
async function rename({ name }) {
  const renamed = await callAccount("PATCH", keyPath(chosen), { name });
  renaming.close();
  return reopened("key_renamed", renamed.name);
}

/** @param {Record<string, string>} values */
async function rotate({ overlap_seconds }) {
  const issued = await callAccount("POST", `${keyPath(chosen)}/rotate`, { overlap_seconds: Number(overlap_seconds) });
  rotation.close();
  await showKey(issued);
  return reopened("key_rotated", issued.name);
}

export function startApiKeys() {
  table = pagedTable(section, `${path()}/api-keys`, fillRow);
  for (const button of section.querySelectorAll("[data-create]")) button.addEventListener("click", () => openDialog(creation));
  onSave(creation.querySelector("form"), create, status);
  onSave(renaming.querySelector("form"), rename, status);
  onSave(rotation.querySelector("form"), rotate, status);
  return table.open;
}
