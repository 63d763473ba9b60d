// What was sent to a webhook, newest first. What has arrived or was given up can be sent again.
import { callAccount } from "./account-call.js";
import { onSave } from "./account-forms.js";
import { fillSlot, readableTime } from "./paged-list.js";
import { pagedTable } from "./paged-table.js";
import { actionSentence, text } from "./text.js";

const template = document.querySelector("#webhook-deliveries-template");

/**
 * Show the deliveries of a webhook in a dialog.
 * @param {{ url: string }} webhook
 * @param {string} path of the webhook in the API
 */
export async function showDeliveries({ url }, path) {
  const dialog = template.content.firstElementChild.cloneNode(true);
  const status = dialog.querySelector("#webhook-deliveries-done");
  dialog.querySelector("[data-url]").textContent = url;
  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  template.after(dialog);

  /**
   * @param {HTMLElement} row
   * @param {any} delivery
   */
  function fillRow(row, delivery) {
    fillSlot(row, "title", actionSentence(delivery.action));
    row.querySelector("time").dateTime = delivery.created_at;
    fillSlot(row, "time", readableTime(delivery.created_at));
    fillSlot(row, "state", stateOf(delivery));
    const form = row.querySelector("[data-replay]");
    form.hidden = delivery.status === "pending";
    const about = `${actionSentence(delivery.action)}, ${readableTime(delivery.created_at)}`;
    form.querySelector("button").ariaLabel = text("replay_of", { event: about });
    onSave(form, () => replay(delivery, row), status);
  }

  /**
   * @param {any} delivery
   * @param {HTMLElement} row
   */
  async function replay(delivery, row) {
    const queued = await callAccount("POST", `${path}/deliveries/${delivery.id}/replay`);
    fillSlot(row, "state", stateOf(queued));
    row.querySelector("[data-replay]").hidden = true;
    row.querySelector("[tabindex]").focus();
    return text("replayed");
  }

  dialog.showModal();
  await pagedTable(dialog, `${path}/deliveries`, fillRow).open();
}

/** @param {any} delivery */
function stateOf({ status, attempts, last_error, next_attempt_at }) {
  const known = [
    text(`delivery_${status}`),
    attempts > 0 && text("delivery_attempts", { count: attempts }),
    last_error,
    next_attempt_at && attempts > 0 && text("delivery_next", { time: readableTime(next_attempt_at) }),
  ];
  return known.filter(Boolean).join(" · ");
}
