// Forms that call the API: one submission at a time, errors beside their fields or in the alert, focus on the first.
import { setBusy } from "./busy.js";
import { Problem } from "./problem.js";
import { fieldMessage, sentence, text } from "./text.js";

const CALM = ["step_up_cancelled", "passkey_not_added", "passkey_not_used"]; // as the person wanted it

/**
 * Call a function with the values of a form each time it is sent. Optional fields that are empty are left out.
 * @param {HTMLFormElement | null} form
 * @param {(values: Record<string, string>) => Promise<void>} submit throws a Problem
 */
export function onSubmit(form, submit) {
  if (!form) return;
  form.querySelector("button[type=submit]").disabled = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.ariaBusy === "true") return;
    clearErrors(form);
    if (!hasRequired(form)) return focusError(form);
    setBusy(form, true);
    try {
      await submit(valuesOf(form));
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      showProblem(form, problem);
    } finally {
      setBusy(form, false);
    }
  });
}

/**
 * Show a problem: beside the fields that it names, the rest in the alert. What is no error is a note, which leaves the
 * focus where it is.
 * @param {HTMLFormElement} form
 * @param {Problem} problem
 * @param {string} [field] that a problem without field errors is about
 */
export function showProblem(form, problem, field) {
  setBusy(form, false);
  if (CALM.includes(problem.code)) return void (noteOf(form).textContent = sentence(problem));
  const errors = { ...problem.fields };
  let isComplete = Object.keys(errors).length > 0;
  for (const [name, messages] of Object.entries(errors)) {
    isComplete &&= showError(form, name, fieldMessage(messages));
  }
  if (field && showError(form, field, sentence(problem))) isComplete = true;
  if (!isComplete) alertOf(form).textContent = sentence(problem);
  if (problem.code === "wrong_code") emptyCode(form);
  focusError(form);
}

/** @param {HTMLFormElement} form of which a code was refused: the next is another, but a recovery code is corrected */
function emptyCode(form) {
  const input = form.querySelector("[aria-invalid]");
  if (/^[\d\s]+$/.test(input?.value)) input.value = "";
}

/** @param {HTMLFormElement} form */
export function clearErrors(form) {
  alertOf(form).textContent = "";
  noteOf(form).textContent = "";
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  for (const error of form.querySelectorAll(".error")) {
    error.hidden = true;
    error.textContent = "";
  }
}

/**
 * @param {HTMLFormElement} form
 * @param {string} name
 * @param {string} message
 * @returns {boolean} whether there is such a field to be seen
 */
function showError(form, name, message) {
  const field = form.querySelector(`[data-field="${CSS.escape(name)}"]`);
  if (!field || field.closest("[hidden]")) return false;
  const error = field.querySelector(".error");
  error.textContent = message;
  error.hidden = false;
  field.querySelector("input, select").setAttribute("aria-invalid", "true");
  return true;
}

/** @param {HTMLFormElement} form */
function hasRequired(form) {
  let isComplete = true;
  for (const input of form.querySelectorAll("input[required]")) {
    if (!input.value.trim() && showError(form, input.name, text("required"))) isComplete = false;
  }
  return isComplete;
}

/** @param {HTMLFormElement} form */
function focusError(form) {
  (form.querySelector("[aria-invalid]") ?? alertOf(form)).focus();
}

/** @param {HTMLFormElement} form */
function alertOf(form) {
  return form.querySelector("[data-alert]");
}

/** @param {HTMLFormElement} form */
function noteOf(form) {
  return form.querySelector("[data-note]");
}

/** @param {HTMLFormElement} form */
function valuesOf(form) {
  const values = Object.fromEntries(new FormData(form));
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ""));
}
