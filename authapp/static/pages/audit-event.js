// An event of the audit log in words, for the histories of an organization and of an account.
import { fillSlot, readableTime } from "./paged-list.js";
import { roleName } from "./role-names.js";
import { actionSentence, claimsInWords, detailName, detailValue, duration, text, titled } from "./text.js";
import { deviceName } from "./user-agent.js";

const SUBJECTS = ["name", "email", "provider"];
const ROLES = ["role", "before", "after", "tried", "needed", "held"]; // details that may be a role

/**
 * Show an event: what has happened to what, who did it and from where, and when.
 * @param {HTMLElement} row
 * @param {any} event
 * @param {string} who did it
 * @param {string | null} [subject] whom it is about, where the details do not say so
 */
export function fillEvent(row, event, who, subject = null) {
  const origin = [event.user_agent && deviceName(event.user_agent), event.ip_address];
  fillSlot(row, "title", actionSentence(event.action));
  fillSlot(row, "about", aboutEvent(event, subject));
  fillSlot(row, "actor", who);
  fillSlot(row, "origin", origin.filter(Boolean).join(" · "));
  const time = row.querySelector("time");
  time.dateTime = event.created_at;
  time.textContent = readableTime(event.created_at);
}

/**
 * Whom or what it is about, and its details, without ids. What has changed is "before → after", or "Name: new value".
 * @param {any} event
 * @param {string | null} subject
 */
function aboutEvent({ action, details }, subject) {
  const { before, after, by: _, ...others } = details; // the actor says by whom
  const isChange = action === "organization.updated"; // whose details are the new values
  const isSubject = (/** @type {string} */ name) => !isChange && SUBJECTS.includes(name);
  const rest = Object.keys(others).filter((name) => !name.endsWith("_id") && !isSubject(name) && name !== "role");
  const known = [
    isChange ? null : (SUBJECTS.map((name) => others[name]).find(Boolean) ?? subject),
    others.role && inWords("role", others.role),
    before && after && `${inWords("before", before)} → ${inWords("after", after)}`,
    before && !after && text("formerly", { name: before }),
    ...rest.map((name) => `${detailName(name)}: ${inWords(name, others[name])}`),
  ];
  return known.filter(Boolean).join(" · ");
}

/**
 * The value of a detail. Of rows by table, as in the receipt of an erasure, only how many.
 * @param {string} name
 * @param {any} value
 * @returns {string}
 */
function inWords(name, value) {
  if (Array.isArray(value)) return value.map((one) => inWords(name, one)).join(", ");
  if (name === "claims") return claimsInWords(value);
  if (value === null) return text(name === "seats" ? "unlimited" : "none");
  if (typeof value === "boolean") return text(value ? "yes" : "no");
  if (typeof value === "object") return String(Object.values(value).reduce((sum, count) => sum + count, 0));
  if (ROLES.includes(name)) return roleName(String(value));
  if (name === "overlap_seconds") return duration(value);
  if (name === "trial_ends_at") return readableTime(value);
  return name === "plan" ? titled(value) : detailValue(name, String(value));
}
