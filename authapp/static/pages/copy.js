// Copying what is shown, and saving it as a file.
import { text } from "./text.js";

/**
 * Let a button copy the text of an element. Where the browser does not, the text is selected to be copied by hand.
 * @param {HTMLElement} button
 * @param {HTMLElement} source
 * @param {HTMLElement} status a live region
 */
export function copyButton(button, source, status) {
  button.addEventListener("click", async () => {
    status.textContent = "";
    try {
      await navigator.clipboard.writeText(source.textContent);
      status.textContent = text("copied");
    } catch {
      getSelection().selectAllChildren(source);
      status.textContent = text("copy_by_hand");
    }
  });
}

/**
 * Save a text as a file.
 * @param {string} name of the file
 * @param {string} content
 * @param {string} [type]
 */
export function saveFile(name, content, type = "text/plain") {
  const address = URL.createObjectURL(new Blob([content], { type: `${type};charset=utf-8` }));
  Object.assign(document.createElement("a"), { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
