// The providers that sign in to the account.
import { callAccount } from "./account-call.js";
import { askFirst } from "./account-forms.js";
import { setLabel } from "./busy.js";
import { onSubmit } from "./form.js";
import { leave, takeFromAddress } from "./page.js";
import { fillSlot, readableTime } from "./paged-list.js";
import { problemOf } from "./providers.js";
import { sentence, text } from "./text.js";

const section = document.querySelector("#providers");
const list = section.querySelector("[data-list]");
const template = section.querySelector("[data-row]");
const status = section.querySelector("#providers-done");
const links = [...section.querySelectorAll("[data-link]")];
const dialog = document.querySelector("#unlink-provider");
const askToUnlink = askFirst(dialog, status, unlink);

/** @param {string} provider */
export function nameOf(provider) {
  return links.find((form) => form.dataset.link === provider)?.dataset.label ?? provider; // one that is not configured
}

/** @param {any} identity */
function rowOf(identity) {
  const row = template.content.firstElementChild.cloneNode(true);
  const name = nameOf(identity.provider);
  const used = identity.last_used_at && text("last_used", { time: readableTime(identity.last_used_at) });
  const linked = text("identity_since", { time: readableTime(identity.created_at) });
  fillSlot(row, "title", name);
  fillSlot(row, "about", [identity.email, used, linked].filter(Boolean).join(" · "));
  const button = row.querySelector("button");
  button.ariaLabel = [`${button.textContent}: ${name}`, identity.email].filter(Boolean).join(", ");
  const lead = text("unlink_lead", { account: [name, identity.email].filter(Boolean).join(", ") });
  button.addEventListener("click", () => askToUnlink({ id: identity.id, name }, lead));
  return row;
}

async function show() {
  const { items } = await callAccount("GET", "/auth/identities");
  list.replaceChildren(...items.map(rowOf));
  section.querySelector("[data-none]").hidden = items.length > 0;
  for (const form of links) labelLink(form, items);
  const isOffered = links.length > 0 || items.length > 0;
  for (const part of document.querySelectorAll("[data-providers]")) part.hidden = !isOffered;
}

/**
 * @param {HTMLFormElement} form
 * @param {any[]} identities
 */
function labelLink(form, identities) {
  const isLinked = identities.some((identity) => identity.provider === form.dataset.link);
  setLabel(form, text(isLinked ? "link_another" : "link", { provider: form.dataset.label }));
}

/** @param {{ id: string, name: string }} identity */
async function unlink({ id, name }) {
  await callAccount("DELETE", `/auth/identities/${id}`).catch((problem) => {
    if (problem.status !== 404) throw problem; // it was unlinked
  });
  await show();
  dialog.close();
  document.dispatchEvent(new Event("sessions-ended"));
  section.querySelector("h2").focus();
  return text("identity_unlinked", { provider: name });
}

/** Say what has become of linking a provider, where the browser comes back from there. */
export function showLinked() {
  const linked = takeFromAddress("linked")?.get("linked");
  const error = takeFromAddress("error")?.get("error");
  const alert = section.querySelector(":scope > [data-alert]");
  if (linked) status.textContent = text("identity_linked", { provider: nameOf(linked) });
  if (error) alert.textContent = sentence(problemOf(error));
  if (linked || error) (error ? alert : section.querySelector("h2")).focus();
}

export async function startIdentities() {
  for (const form of links) {
    onSubmit(form, async () => {
      const { authorize_url } = await callAccount("POST", `/auth/identities/${form.dataset.link}/link`);
      await leave(authorize_url);
    });
  }
  await show();
}
