// Who is signed in, for the sections of the account page, and what depends on it.
import { fill, showUser } from "./page.js";

/** @type {any} */
let known = null;

/** The account as the API answered it last. */
export function user() {
  return known;
}

/**
 * Keep the account, and show what `data-if` and `data-if-not` say of it.
 * @param {any} found
 */
export function keepUser(found) {
  known = { ...known, ...found };
  known.can_confirm = known.has_password || known.has_passkey;
  showUser(found);
  fill("name", [found.first_name, found.last_name].filter(Boolean).join(" ") || found.email);
  for (const element of document.querySelectorAll("[data-if]")) element.hidden = !known[element.dataset.if];
  for (const element of document.querySelectorAll("[data-if-not]")) element.hidden = known[element.dataset.ifNot];
  for (const input of document.querySelectorAll("input[name=username]")) input.value = found.email;
}
