// The secret of a webhook as it is shown, once: to copy.
import { copyButton } from "./copy.js";

const dialog = document.querySelector("#shown-webhook");
const secret = dialog.querySelector("[data-secret]");
const status = dialog.querySelector("#webhook-copied");

copyButton(dialog.querySelector("[data-copy]"), secret, status);
dialog.querySelector("[data-saved]").addEventListener("click", () => dialog.close());
dialog.addEventListener("cancel", (event) => event.preventDefault()); // Escape, once, without `closedby`

/**
 * Show a secret until its owner has it.
 * @param {{ url: string, secret: string }} issued
 */
export async function showSecret(issued) {
  dialog.querySelector("[data-name]").textContent = issued.url;
  secret.textContent = issued.secret;
  status.textContent = "";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  secret.textContent = "";
}
