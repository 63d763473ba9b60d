// Dialogs that ask before something is done: one names the thing (`ask_dialog` of account_dialogs.html), in the other
// its name must be typed (`type_name_dialog` of console_parts.html).
//
//   const ask = confirmNamed(dialog, status, {
//     call: (member) => callAccount("DELETE", `${path}/${member.user.id}`),
//     done: (member) => text("member_removed", { name: nameOf(member.user) }), // what to say, after the dialog is closed
//   });
//   button.onclick = () => ask(member, text("remove_member_lead", { name: nameOf(member.user) }));
import { askFirst, fieldProblem, onSave, openDialog } from "./account-forms.js";

/**
 * @typedef {object} Act
 * @property {(subject: any) => Promise<any>} call a Problem that it throws is shown in the dialog
 * @property {(subject: any, answer: any) => string | Promise<string>} done moves the focus, and returns what to say
 */

/**
 * @param {HTMLDialogElement} dialog
 * @param {HTMLElement} status a live region
 * @param {Act} act
 * @returns {(subject: any, lead: string) => void} asks, with a sentence that names the subject
 */
export function confirmNamed(dialog, status, act) {
  return askFirst(dialog, status, (subject) => carryOut(dialog, act, subject));
}

/**
 * @param {HTMLDialogElement} dialog
 * @param {HTMLElement} status
 * @param {Act} act
 * @returns {(subject: any, name: string) => void} asks for the name of the subject
 */
export function confirmTyped(dialog, status, act) {
  /** @type {any} */
  let asked = null;
  let wanted = "";
  onSave(dialog.querySelector("form"), async ({ typed_name }) => {
    if (plain(typed_name) !== plain(wanted)) throw fieldProblem("typed_name", "another_name");
    return carryOut(dialog, act, asked);
  }, status);
  return (subject, name) => {
    asked = subject;
    wanted = name;
    dialog.querySelector("[data-name]").textContent = name;
    openDialog(dialog);
  };
}

/**
 * @param {HTMLDialogElement} dialog
 * @param {Act} act
 * @param {any} subject
 */
async function carryOut(dialog, { call, done }, subject) {
  const answer = await call(subject);
  dialog.close();
  return done(subject, answer);
}

/**
 * A name as somebody may type it: spaces and composed characters do not matter.
 * @param {string} name
 */
function plain(name) {
  return name.normalize("NFC").trim().replace(/\s+/g, " ");
}
