// An API key as it is shown, once: to copy, or to save as a line of an .env file.
import { copyButton, saveFile } from "./copy.js";
import { organization } from "./organization-current.js";

const dialog = document.querySelector("#shown-key");
const secret = dialog.querySelector("[data-secret]");
const status = dialog.querySelector("#key-copied");

copyButton(dialog.querySelector("[data-copy]"), secret, status);
dialog.querySelector("[data-save]").addEventListener("click", () => {
  saveFile(`${organization().slug}.env`, `AUTHAPP_API_KEY=${secret.textContent}\n`);
});
dialog.querySelector("[data-saved]").addEventListener("click", () => dialog.close());
dialog.addEventListener("cancel", (event) => event.preventDefault()); // Escape, once, without `closedby`

/**
 * Show a key until its owner has it.
 * @param {{ name: string, key: string }} issued
 */
export async function showKey({ name, key }) {
  dialog.querySelector("[data-name]").textContent = name;
  secret.textContent = key;
  status.textContent = "";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  secret.textContent = "";
}
