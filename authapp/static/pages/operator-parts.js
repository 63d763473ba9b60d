// What the pages of the operator's console have in common.
import { showAvatar } from "./avatar.js";
import { fill } from "./page.js";
import { fillSlot, readableTime } from "./paged-list.js";
import { text } from "./text.js";

/**
 * Show what is so, and hide the rest: `data-is` of a row or page.
 * @param {ParentNode} place
 * @param {Record<string, boolean>} states
 */
export function showStates(place, states) {
  for (const [name, isSo] of Object.entries(states)) {
    for (const part of place.querySelectorAll(`[data-is="${name}"]`)) part.hidden = !isSo;
  }
}

/**
 * A row with initials, a name that leads to its page, and a line about it.
 * @param {HTMLElement} row
 * @param {{ id: string, name: string, about: string, href: string }} subject
 */
export function fillIdentity(row, { id, name, about, href }) {
  showAvatar(row.querySelector("[data-avatar]"), id, name);
  fillSlot(row, "title", name);
  fillSlot(row, "about", about);
  row.querySelector("a").href = href;
}

/**
 * The head of a page about one account or organization.
 * @param {{ id: string, name: string, about: string }} subject
 */
export function showSubject({ id, name, about }) {
  showAvatar(document.querySelector("[data-subject-avatar]"), id, name);
  fill("subject", name);
  fill("subject-about", about);
  document.title = document.title.replace(/^.*(?= · )/s, () => name);
}

/**
 * Let the buttons of acts open what asks first.
 * @param {Record<string, () => void>} asks by the name of the act
 */
export function bindActs(asks) {
  for (const [name, ask] of Object.entries(asks)) {
    document.querySelector(`[data-open="${name}"]`).addEventListener("click", ask);
  }
}

/**
 * Show the acts that are possible.
 * @param {Record<string, boolean>} acts
 */
export function showActs(acts) {
  for (const [name, isPossible] of Object.entries(acts)) {
    document.querySelector(`[data-act="${name}"]`).hidden = !isPossible;
  }
}

/**
 * A day for a reader.
 * @param {string | null} timestamp
 */
export function day(timestamp) {
  return timestamp ? readableTime(timestamp, { dateStyle: "medium" }) : text("never");
}

/** @param {string | null} timestamp */
export function moment(timestamp) {
  return timestamp ? readableTime(timestamp) : text("never");
}

/** @param {boolean} fact */
export function yesOrNo(fact) {
  return text(fact ? "yes" : "no");
}
