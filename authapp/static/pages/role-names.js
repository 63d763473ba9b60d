// The roles in the language of the page.
import { text } from "./text.js";

const ROLES = ["admin", "developer", "viewer"]; // an application may have others, which have no texts

/**
 * What a role is called.
 * @param {string} role
 */
export function roleName(role) {
  return ROLES.includes(role) ? text(role) : role;
}

/**
 * What somebody with a role may do, where there is a text about it.
 * @param {string} role
 */
export function roleMeaning(role) {
  return ROLES.includes(role) ? text(`${role}_means`) : "";
}
