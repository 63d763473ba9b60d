// What every page does: panels of which one is shown, buttons that show a password, who is signed in.
import { refresh, signOut } from "./api.js";

/**
 * Show one `data-panel` and hide the others. The focus moves to its heading, or to its first field.
 * @param {string} name
 * @param {{ focus?: boolean }} [options]
 */
export function showPanel(name, { focus = true } = {}) {
  for (const panel of document.querySelectorAll("[data-panel]")) {
    panel.hidden = panel.dataset.panel !== name;
    if (!panel.hidden && focus) focusStart(panel);
  }
}

/**
 * Write a text into every `data-fill` of this name.
 * @param {string} name
 * @param {string} value
 */
export function fill(name, value) {
  for (const element of document.querySelectorAll(`[data-fill="${name}"]`)) element.textContent = value;
}

/**
 * Take what is behind the # out of the address, so that neither the history nor a copied address has it.
 * @param {string} name of a value that must be among it
 * @returns {URLSearchParams | null}
 */
export function takeFromAddress(name) {
  const found = new URLSearchParams(location.hash.slice(1));
  if (!found.has(name)) return null;
  history.replaceState(null, "", location.pathname);
  return found;
}

/**
 * Who is signed in by the refresh cookie. Shown in the header.
 * @returns {Promise<any>} the account or null
 */
export async function signedInUser() {
  const session = await refresh().catch(() => null);
  showUser(session?.user ?? null);
  return session?.user ?? null;
}

/** @param {any} user */
export function showUser(user) {
  if (user) fill("email", user.email);
  document.querySelector("[data-signed-in]").hidden = !user;
}

/**
 * Go to another page. The form that leads there stays busy.
 * @param {string} address
 */
export function leave(address) {
  location.assign(address);
  return new Promise(() => {});
}

/** @param {HTMLElement} panel */
function focusStart(panel) {
  (panel.querySelector("[autofocus]") ?? panel.querySelector("h1"))?.focus();
}

for (const button of document.querySelectorAll("[data-reveal]")) {
  const input = document.getElementById(button.getAttribute("aria-controls"));
  button.addEventListener("click", () => setRevealed(button, input, input.type === "password"));
  input.form?.addEventListener("submit", () => setRevealed(button, input, false)); // no browser remembers it as a text
}

/**
 * @param {HTMLElement} button
 * @param {HTMLInputElement} input
 * @param {boolean} isRevealed
 */
function setRevealed(button, input, isRevealed) {
  input.type = isRevealed ? "text" : "password";
  button.ariaPressed = String(isRevealed);
}

addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload(); // back from another page, with a form that is busy
});
for (const button of document.querySelectorAll("[data-sign-out]")) {
  button.addEventListener("click", async () => {
    await signOut();
    location.reload();
  });
}
