// Initials in the place of a picture, in one of six colours that follows from the id.
const TONES = 6;

/**
 * @param {HTMLElement} avatar
 * @param {string} id
 * @param {string} name
 */
export function showAvatar(avatar, id, name) {
  avatar.textContent = initials(name);
  avatar.dataset.tone = String(Number.parseInt(id.slice(-4), 16) % TONES);
}

/**
 * The first characters of the first and the last word.
 * @param {string} name
 */
function initials(name) {
  const words = name.split(/[\s@._-]+/).map((word) => word.match(/[\p{L}\p{N}]/u)?.[0]).filter(Boolean);
  return [words[0], words.length > 1 ? words.at(-1) : ""].join("").toLocaleUpperCase() || "?";
}

/**
 * What somebody is called: their names, else their email.
 * @param {{ email: string, first_name: string | null, last_name: string | null }} user
 */
export function nameOf({ first_name, last_name, email }) {
  return [first_name, last_name].filter(Boolean).join(" ") || email;
}
