// A form that waits for an answer: its button says so.
import { text } from "./text.js";

/**
 * @param {HTMLFormElement} form
 * @param {boolean} isBusy
 */
export function setBusy(form, isBusy) {
  form.ariaBusy = String(isBusy);
  const button = form.querySelector("button[type=submit]");
  button.ariaDisabled = String(isBusy);
  if (isBusy) button.dataset.label ??= button.textContent;
  button.textContent = isBusy ? text("busy") : (button.dataset.label ?? button.textContent);
}

/**
 * Call the button of a form otherwise.
 * @param {HTMLFormElement} form
 * @param {string} label
 */
export function setLabel(form, label) {
  const button = form.querySelector("button[type=submit]");
  button.textContent = label;
  delete button.dataset.label; // what it was called before
}
