// The organization of this console, and what the page shows of it everywhere.
import { showAvatar } from "./avatar.js";
import { fill } from "./page.js";
import { roleName } from "./role-names.js";
import { text, titled } from "./text.js";

/** @type {any} */
let known = null;

/** The organization as the API answered it last, with the caller's role. */
export function organization() {
  return known;
}

/** Its address in the API. */
export function path() {
  return `/organizations/${known.id}`;
}

export function isAdmin() {
  return known.role === "admin";
}

/**
 * Keep the organization, and show it. What only an admin may do is `data-admin`, what others see
 * in its place `data-no-admin`.
 * @param {any} found
 */
export function keepOrganization(found) {
  known = found;
  fill("organization", found.name);
  fill("my-role", text("you_are", { role: roleName(found.role) }));
  fill("plan", planOf(found.subscription));
  showAvatar(document.querySelector("[data-organization-avatar]"), found.id, found.name);
  document.title = document.title.replace(/^.*(?= · )/s, () => found.name);
  for (const part of document.querySelectorAll("[data-admin]")) part.hidden = !isAdmin();
  for (const part of document.querySelectorAll("[data-no-admin]")) part.hidden = isAdmin();
}

/** @param {{ plan: string, status: string, seats: number | null }} subscription */
function planOf({ plan, status, seats }) {
  const known = [text("plan", { plan: titled(plan) }), status !== "active" && text(`subscription_${status}`), seats && text("seats", { seats })];
  return known.filter(Boolean).join(" · ");
}

/**
 * Let what is gone already count as done: `call(…).catch(orGone)`.
 * @param {import("./problem.js").Problem} problem
 */
export function orGone(problem) {
  if (problem.status !== 404) throw problem;
}
