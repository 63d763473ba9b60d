// Where to go after signing in: a page of ours or of a front end (FRONTEND_URL, CORS_ORIGINS), never another address.
export const DEFAULT = "/account";
export const KEPT = "invitation"; // in sessionStorage: its token outlives a reload, signing out and another password
const NEXT = "next"; // in sessionStorage, while the browser is at a provider
const FRONT_ENDS = document.documentElement.dataset.frontEnds.split(" "); // their origins

/** The page that `#next=` of the address names. Default: an invitation that is open in this tab, or the account. */
export function nextPage() {
  const wanted = wantedPage() ?? (sessionStorage.getItem(KEPT) ? "/invitation" : DEFAULT);
  const url = URL.canParse(wanted, location.origin) ? new URL(wanted, location.origin) : null;
  return url && isAllowed(url, wanted) ? url.href : DEFAULT; // whole: `//` begins a host
}

/**
 * @param {URL} url
 * @param {string} wanted
 */
function isAllowed(url, wanted) {
  if (!["http:", "https:"].includes(url.protocol) || url.username || url.password) return false; // blob: has an origin
  return url.origin === location.origin ? wanted.startsWith("/") : FRONT_ENDS.includes(url.origin);
}

/**
 * Take `#next=` of the address along.
 * @param {HTMLAnchorElement | null} link to another page that leads there in the end
 */
export function takeNextAlong(link) {
  const wanted = wantedPage();
  if (link && wanted) link.hash = `next=${encodeURIComponent(wanted)}`;
}

/** Keep `#next=` of the address until the browser comes back from a provider. */
export function keepNext() {
  const wanted = wantedPage();
  if (wanted) sessionStorage.setItem(NEXT, wanted);
  else sessionStorage.removeItem(NEXT);
}

/** Put `#next=` that was kept back into the address. */
export function restoreNext() {
  const wanted = sessionStorage.getItem(NEXT);
  sessionStorage.removeItem(NEXT);
  if (wanted) history.replaceState(null, "", `#next=${encodeURIComponent(wanted)}`);
}

/**
 * Lead to the sign-in page, and from there back to this one.
 * @param {string} [place] of this page, default: that of its address
 */
export function leadToSignIn(place) {
  location.replace(`/sign-in#next=${encodeURIComponent(location.pathname + (place || location.hash))}`);
}

function wantedPage() {
  return new URLSearchParams(location.hash.slice(1)).get("next");
}
