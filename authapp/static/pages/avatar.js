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
 * The first characters of the first and the last word; of an email, its first two.
 * @param {string} name
 */
function initials(name) {
  const isEmail = /^[^\s@]+@[^\s@]+$/.test(name);
  return (isEmail ? charactersOf(name.split("@")[0]).slice(0, 2).join("") : ofWords(name)).toLocaleUpperCase() || "?";
}

/** @param {string} name */
function ofWords(name) {
  const first = name.split(/[\s@._-]+/).map((word) => charactersOf(word)[0]).filter(Boolean);
  return [first[0], first.length > 1 ? first.at(-1) : ""].join("");
}

/** @param {string} word */
function charactersOf(word) {
  return word.match(/[\p{L}\p{N}]/gu) ?? [];
}

/**
 * What somebody is called: their names, else their email.
 * @param {{ email: string, first_name: string | null, last_name: string | null }} user
 */
export function nameOf({ first_name, last_name, email }) {
  return [first_name, last_name].filter(Boolean).join(" ") || email;
}
