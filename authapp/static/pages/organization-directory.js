// What the actors of the history are called: the members, API keys and trusted identities of the organization, the
// first hundred of each.
import { callAccount } from "./account-call.js";
import { nameOf } from "./avatar.js";
import { path } from "./organization-current.js";
import { text } from "./text.js";

/** @type {Map<string, string>} */
const names = new Map();

/**
 * Read them.
 * @returns {Promise<[id: string, name: string][]>}
 */
export async function readNames() {
  const [members, keys, identities] = await Promise.all([
    callAccount("GET", `${path()}/members?limit=100`),
    callAccount("GET", `${path()}/api-keys?limit=100`),
    callAccount("GET", `${path()}/trusted-identities?limit=100`),
  ]);
  names.clear();
  for (const { user } of members.items) names.set(user.id, nameOf(user));
  for (const { id, name } of [...keys.items, ...identities.items]) names.set(id, name);
  return [...names];
}

/**
 * What an actor or the subject of an event is called. Others by the last characters of their id, which differ most.
 * @param {string | null} id
 */
export function nameOfId(id) {
  return id && names.get(id);
}

/** @param {any} event */
export function actorName({ actor_id, actor_type, details }) {
  if (!actor_id) return text("actor_none");
  if (details.by === "operator") return text("actor_operator");
  return nameOfId(actor_id) ?? text(`actor_${actor_type}`, { id: actor_id.slice(-8) });
}
