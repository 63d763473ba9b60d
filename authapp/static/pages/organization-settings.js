// The name and the slug of the organization, and its id.
import { callAccount } from "./account-call.js";
import { beside, onSave } from "./account-forms.js";
import { copyButton } from "./copy.js";
import { keepOrganization, organization, path } from "./organization-current.js";
import { text } from "./text.js";

const section = document.querySelector("#settings");
const status = section.querySelector("#settings-done");
const form = section.querySelector("[data-settings]");
const id = section.querySelector("[data-id]");

function show() {
  form.elements.name.value = organization().name;
  form.elements.slug.value = organization().slug;
  id.textContent = organization().id;
}

/** @param {Record<string, string>} values */
async function save({ name, slug }) {
  const changed = await callAccount("PATCH", path(), { name, slug }).catch(beside({ slug_taken: ["slug"] }));
  keepOrganization(changed);
  history.replaceState(null, "", `/organizations/${changed.slug}${location.hash}`);
  show();
  return text("saved");
}

export function startSettings() {
  onSave(form, save, status);
  copyButton(section.querySelector("[data-copy]"), id, status);
  return show;
}
