// Emails that are not sent: those that were given up can be tried again. What is in them is not shown.
import { callAccount } from "./account-call.js";
import { onSave } from "./account-forms.js";
import { moment } from "./operator-parts.js";
import { fillSlot } from "./paged-list.js";
import { pagedTable } from "./paged-table.js";
import { text } from "./text.js";

const status = document.querySelector("#outbox-done");

/**
 * @param {HTMLElement} row
 * @param {any} email
 */
function fillEmail(row, email) {
  fillSlot(row, "recipient", email.recipient);
  fillSlot(row, "kind", email.kind);
  fillSlot(row, "error", email.last_error ?? "");
  fillSlot(row, "when", moment(email.dead_at ?? email.due_at));
}

export function startOutbox() {
  const waiting = pagedTable(document.querySelector("#outbox-waiting"), "/operator/outbox", (row, email) => {
    fillEmail(row, email);
    fillSlot(row, "attempts", String(email.attempts));
  });
  const dead = pagedTable(document.querySelector("#outbox-dead"), "/operator/outbox?state=dead", (row, email) => {
    fillEmail(row, email);
    const form = row.querySelector("[data-retry]");
    form.querySelector("button").ariaLabel = text("retry_email", { recipient: email.recipient });
    onSave(form, () => retry(email), status);
  });

  /** @param {any} email */
  async function retry(email) {
    await callAccount("POST", `/operator/outbox/${email.id}/retry`).catch((problem) => {
      if (problem.code !== "email_not_found") throw problem; // another operator was faster
    });
    await Promise.all([dead.open(), waiting.open()]);
    document.querySelector("#outbox-dead-title").focus(); // the button is gone
    return text("email_retried", { recipient: email.recipient });
  }

  return async () => {
    await Promise.all([dead.open(), waiting.open()]);
  };
}
