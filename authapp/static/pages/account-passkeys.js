// The passkeys of the account: add, rename, remove.
import { callAccount } from "./account-call.js";
import { askFirst, onSave, openDialog, saidAs } from "./account-forms.js";
import { keepUser, user } from "./account-user.js";
import { callSignedIn } from "./api.js";
import { fillSlot, readableTime } from "./paged-list.js";
import { beginRequest, hasPasskeys, keepOnly, makePasskey } from "./passkeys.js";
import { text } from "./text.js";

const section = document.querySelector("#passkeys");
const list = section.querySelector("[data-list]");
const template = section.querySelector("[data-row]");
const status = section.querySelector("#passkeys-done");
const dialog = document.querySelector("#rename-passkey");
const renameForm = dialog.querySelector("form");
const removal = document.querySelector("#remove-passkey");
const askToRemove = askFirst(removal, status, remove);
const SAID_AS = saidAs({ limit_reached: "too_many_passkeys" });
/** @type {any} */
let renamed = null;

/** @param {any} passkey */
function rowOf(passkey) {
  const row = template.content.firstElementChild.cloneNode(true);
  const used = passkey.last_used_at && text("last_used", { time: readableTime(passkey.last_used_at) });
  fillSlot(row, "title", passkey.name);
  fillSlot(row, "about", [text("passkey_since", { time: readableTime(passkey.created_at) }), used].filter(Boolean).join(" · "));
  row.querySelector("[data-slot=synced]").hidden = !passkey.synced;
  row.querySelector("[data-slot=bound]").hidden = passkey.synced;
  for (const button of row.querySelectorAll("button")) button.ariaLabel = `${button.textContent}: ${passkey.name}`;
  row.querySelector("[data-rename]").addEventListener("click", () => openRename(passkey));
  const lead = text("remove_passkey_lead", { name: passkey.name });
  row.querySelector("[data-remove]").addEventListener("click", () => askToRemove(passkey, lead));
  return row;
}

async function show() {
  const { items } = await callAccount("GET", "/auth/passkeys");
  list.replaceChildren(...items.map(rowOf));
  section.querySelector("[data-none]").hidden = items.length > 0;
  keepUser({ ...user(), has_passkey: items.length > 0 });
}

async function add() {
  const { challenge_id, options } = await callAccount("POST", "/auth/passkeys/options").catch(SAID_AS);
  const passkey = await makePasskey(options, beginRequest());
  if (!passkey) return "";
  const { name } = await callAccount("POST", "/auth/passkeys", { challenge_id, passkey }).catch(SAID_AS);
  await show();
  section.querySelector("h2").focus();
  return text("passkey_added", { name });
}

/** @param {any} passkey */
function openRename(passkey) {
  renamed = passkey;
  openDialog(dialog);
  renameForm.elements.name.value = passkey.name;
  renameForm.elements.name.select();
}

/** @param {Record<string, string>} values */
async function rename({ name }) {
  await callAccount("PATCH", `/auth/passkeys/${renamed.id}`, { name });
  dialog.close();
  await show();
  section.querySelector("h2").focus();
  return text("passkey_renamed", { name });
}

/** @param {any} passkey */
async function remove({ id, name }) {
  await callAccount("DELETE", `/auth/passkeys/${id}`).catch((problem) => {
    if (problem.status !== 404) throw problem; // it was removed
  });
  await show();
  removal.close();
  void tellAuthenticators();
  document.dispatchEvent(new Event("sessions-ended"));
  section.querySelector("h2").focus();
  return text("passkey_removed", { name });
}

/** Let authenticators forget what was removed. Where that fails, they only offer it in vain. */
async function tellAuthenticators() {
  const begun = await callSignedIn("POST", "/auth/passkeys/options").catch(() => null);
  if (begun) await keepOnly(begun.options);
}

export async function startPasskeys() {
  if (!hasPasskeys()) return;
  for (const part of document.querySelectorAll("[data-passkeys]")) part.hidden = false;
  onSave(section.querySelector("[data-add]"), add, status);
  onSave(renameForm, rename, status);
  await show();
}
