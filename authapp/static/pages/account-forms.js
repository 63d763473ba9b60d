// What the forms of the account page have in common. `beside` is for others too.
import { clearErrors, onSubmit } from "./form.js";
import { Problem } from "./problem.js";
import { sentence, text } from "./text.js";

/**
 * As `onSubmit`, and say in a live region that it is done.
 * @param {HTMLFormElement} form
 * @param {(values: Record<string, string>) => Promise<string | void>} submit returns what to say, default: its own text
 * @param {HTMLElement} [status] default: that of the form
 */
export function onSave(form, submit, status = form.querySelector("[data-status]")) {
  onSubmit(form, async (values) => {
    status.textContent = "";
    status.textContent = (await submit(values)) ?? status.dataset.status;
    document.dispatchEvent(new Event("account-changed"));
  });
}

/**
 * Let a problem appear beside a field: `call(…).catch(beside({ wrong_code: ["code"] }))`.
 * @param {Record<string, [field: string, name?: string]>} places by the code of the problem: the field, and the name of
 *   the text, default: the sentence of the code
 * @returns {(problem: Problem) => never}
 */
export function beside(places) {
  return (problem) => {
    const [field, name] = places[problem.code] ?? [];
    if (field) problem.fields = { [field]: [name ? text(name) : sentence(problem)] };
    throw problem;
  };
}

/**
 * Let a problem have another sentence: `call(…).catch(saidAs({ limit_reached: "too_many_passkeys" }))`.
 * @param {Record<string, string>} names of sentences, by the code of the problem
 * @returns {(problem: Problem) => never}
 */
export function saidAs(names) {
  return (problem) => {
    problem.code = names[problem.code] ?? problem.code;
    throw problem;
  };
}

/**
 * A problem with a field that the page finds itself.
 * @param {string} field
 * @param {string} name of the text
 */
export function fieldProblem(field, name) {
  return new Problem({ code: name, status: 0, detail: "", errors: { json: { [field]: [text(name)] } } });
}

/**
 * Empty a form and close the part that it is in. The focus moves to what opens it.
 * @param {HTMLFormElement} form
 */
export function fold(form) {
  form.reset();
  clearErrors(form);
  const part = form.closest("details");
  part.open = false;
  part.querySelector("summary").focus();
}

/**
 * A dialog that asks before something is done.
 * @param {HTMLDialogElement} dialog
 * @param {HTMLElement} status
 * @param {(subject: any) => Promise<string>} act returns what to say
 * @returns {(subject: any, lead: string) => void} asks for a subject
 */
export function askFirst(dialog, status, act) {
  /** @type {any} */
  let asked = null;
  onSave(dialog.querySelector("form"), () => act(asked), status);
  return (subject, lead) => {
    asked = subject;
    dialog.querySelector("[data-lead]").textContent = lead;
    openDialog(dialog);
  };
}

/**
 * What somebody typed as a code of the authenticator app or as a recovery code, as the API takes it.
 * @param {string} [typed]
 * @returns {{ code: string } | { recovery_code: string }}
 */
export function factor(typed = "") {
  const code = typed.replace(/\s/g, "");
  return /^\d{0,10}$/.test(code) ? { code } : { recovery_code: code };
}

/** @param {HTMLSelectElement} choice to what it is at first */
function resetChoice(choice) {
  choice.selectedIndex = Math.max(0, [...choice.options].findIndex((option) => option.defaultSelected));
}

/**
 * Show a dialog, with its form as new. `data-close` closes it.
 * @param {HTMLDialogElement} dialog
 */
export function openDialog(dialog) {
  dialog.returnValue = "";
  for (const form of dialog.querySelectorAll("form")) {
    for (const input of form.querySelectorAll("input:not([name=username], [type=checkbox])")) input.value = "";
    for (const box of form.querySelectorAll("[type=checkbox]")) box.checked = false;
    for (const choice of form.querySelectorAll("select")) resetChoice(choice);
    clearErrors(form);
  }
  for (const button of dialog.querySelectorAll("[data-close]")) button.onclick = () => dialog.close();
  dialog.showModal();
}
