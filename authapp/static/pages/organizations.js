// The organizations of the account: each leads to its console. Creating one leads there too.
import { callAccount } from "./account-call.js";
import { openDialog } from "./account-forms.js";
import { showAvatar } from "./avatar.js";
import { openConsole } from "./console.js";
import { onSubmit } from "./form.js";
import { leave } from "./page.js";
import { fillSlot } from "./paged-list.js";
import { pagedTable } from "./paged-table.js";
import { roleName } from "./role-names.js";
import { text, titled } from "./text.js";

const dialog = document.querySelector("#create-organization");

/**
 * @param {HTMLElement} row
 * @param {any} organization
 */
function fillRow(row, { id, name, slug, role, subscription }) {
  showAvatar(row.querySelector("[data-avatar]"), id, name);
  fillSlot(row, "title", name);
  fillSlot(row, "about", slug);
  fillSlot(row, "role", roleName(role));
  fillSlot(row, "plan", titled(subscription.plan));
  row.querySelector("a").href = `/organizations/${slug}`;
}

for (const button of document.querySelectorAll("[data-create]")) {
  button.addEventListener("click", () => openDialog(dialog));
}
onSubmit(dialog.querySelector("form"), async ({ name }) => {
  const { slug } = await callAccount("POST", "/organizations", { name });
  await leave(`/organizations/${slug}`);
});
await openConsole(() => pagedTable(document.querySelector("#mine"), "/organizations", fillRow).open());
