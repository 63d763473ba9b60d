// What happened to the account, newest first.
import { nameOf } from "./account-identities.js";
import { user } from "./account-user.js";
import { fillSlot, pagedList, readableTime } from "./paged-list.js";
import { actionSentence, text } from "./text.js";
import { deviceName } from "./user-agent.js";

/**
 * @param {HTMLElement} row
 * @param {any} event
 */
function fillRow(row, event) {
  const isByAnother = event.actor_id && event.actor_id !== user().id;
  const isByOperator = event.details.by === "operator";
  const origin = event.user_agent ? deviceName(event.user_agent) : null;
  const { name, provider } = event.details;
  const subject = provider ? nameOf(provider) : name && text("quoted", { name });
  fillSlot(row, "title", [actionSentence(event.action), subject].filter(Boolean).join(": "));
  fillSlot(row, "about", [isByAnother && text(isByOperator ? "actor_operator" : "by_another"), origin, event.ip_address].filter(Boolean).join(" · "));
  const time = row.querySelector("time");
  time.dateTime = event.created_at;
  time.textContent = readableTime(event.created_at);
}

export async function startHistory() {
  const reload = pagedList(document.querySelector("#history"), "/auth/audit-events", fillRow);
  document.addEventListener("account-changed", () => void reload().catch(() => null)); // what is shown stays
  await reload();
}
