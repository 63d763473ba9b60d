// Where the account is signed in, and the ways out.
import { callAccount } from "./account-call.js";
import { onSave } from "./account-forms.js";
import { signOut } from "./api.js";
import { onSubmit } from "./form.js";
import { leave } from "./page.js";
import { fillSlot, pagedList, readableTime } from "./paged-list.js";
import { text } from "./text.js";
import { deviceName } from "./user-agent.js";

const section = document.querySelector("#sessions");
const status = section.querySelector("#sessions-done");

const reload = pagedList(section, "/auth/sessions", fillRow);

/**
 * @param {HTMLElement} row
 * @param {any} session
 */
function fillRow(row, session) {
  const name = deviceName(session.user_agent);
  const used = readableTime(session.last_used_at);
  fillSlot(row, "title", name);
  const started = readableTime(session.created_at);
  const times = [used !== started && text("last_used", { time: used }), text("session_started", { time: started })];
  fillSlot(row, "about", [...times, session.ip_address].filter(Boolean).join(" · "));
  row.querySelector("[data-slot=current]").hidden = !session.current;
  const form = row.querySelector("form");
  const button = form.querySelector("button");
  button.ariaLabel = `${button.textContent}: ${name}, ${used}`;
  form.hidden = session.current; // "sign out here" is below
  onSave(form, () => end(row, session.id, name), status);
}

/**
 * @param {HTMLElement} row
 * @param {string} id
 * @param {string} name
 */
async function end(row, id, name) {
  await callAccount("DELETE", `/auth/sessions/${id}`).catch((problem) => {
    if (problem.status !== 404) throw problem; // it had ended
  });
  const next = row.nextElementSibling ?? row.previousElementSibling;
  row.remove();
  (next?.querySelector("[tabindex]") ?? section.querySelector("h2")).focus();
  return text("session_ended", { device: name });
}

async function endOthers() {
  await callAccount("DELETE", "/auth/sessions");
  await reload();
  return text("others_ended");
}

export async function startSessions() {
  onSave(section.querySelector("[data-end-others]"), endOthers, status);
  for (const form of section.querySelectorAll("[data-leave]")) {
    onSubmit(form, async () => {
      if (form.dataset.leave) await callAccount("POST", "/auth/logout", { everywhere: true });
      else await signOut();
      await leave("/sign-in");
    });
  }
  document.addEventListener("sessions-ended", () => void reload().catch(() => null)); // what is shown stays
  await reload();
}
