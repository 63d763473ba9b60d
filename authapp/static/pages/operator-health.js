// How the service is.
import { callAccount } from "./account-call.js";
import { moment } from "./operator-parts.js";
import { fill } from "./page.js";
import { fillSlot } from "./paged-list.js";
import { text } from "./text.js";

const LONGEST_WAIT = 300_000; // milliseconds
const section = document.querySelector("#health");

/** Read it, and show it. */
export async function readHealth() {
  const health = await callAccount("GET", "/operator/health");
  fill("version", health.version);
  tell("migrated", text(health.migrated ? "migrations_all" : "migrations_missing"), !health.migrated);
  tell("redis", text(`redis_${health.redis ?? "none"}`), health.redis === "away");
  fill("emails-waiting", String(health.emails_waiting));
  tell("emails-dead", String(health.emails_dead), health.emails_dead > 0);
  tell("oldest-due", health.oldest_due_at ? moment(health.oldest_due_at) : text("nothing_due"), isOld(health.oldest_due_at));
  const { unsealed_since: since } = health;
  tell("unsealed", since ? text("unsealed_since", { time: moment(since) }) : text("sealed"), isOld(since));
  section.querySelector("[data-jobs]").replaceChildren(...health.jobs.map(rowOf));
}

/**
 * Write a fact, and mark it where something is wrong.
 * @param {string} name
 * @param {string} value
 * @param {boolean} isBad
 */
function tell(name, value, isBad) {
  fill(name, value);
  section.querySelector(`[data-fill="${name}"]`).classList.toggle("bad", isBad);
}

/** @param {string | null} timestamp of what waits, for longer than doctor takes as well */
function isOld(timestamp) {
  return timestamp !== null && Date.now() - Date.parse(timestamp) > LONGEST_WAIT;
}

/** @param {any} job */
function rowOf(job) {
  const row = section.querySelector("[data-job]").content.firstElementChild.cloneNode(true);
  const badge = row.querySelector("[data-state]");
  fillSlot(row, "name", job.name);
  fillSlot(row, "error", job.error ?? "");
  fillSlot(row, "succeeded", moment(job.succeeded_at));
  badge.textContent = text(job.is_late ? "job_late" : "job_runs");
  badge.classList.add(job.is_late ? "bad" : "good");
  return row;
}

export function startHealth() {
  const button = section.querySelector("[data-refresh]");
  button.addEventListener("click", async () => {
    const status = section.querySelector("#health-done");
    status.textContent = "";
    await readHealth();
    status.textContent = text("refreshed");
  });
  return readHealth;
}
