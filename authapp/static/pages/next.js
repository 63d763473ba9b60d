// Where to go after signing in: a page of ours, never another address.
export const DEFAULT = "/account";
export const KEPT = "invitation"; // in sessionStorage: its token outlives a reload, signing out and another password
const NEXT = "next"; // in sessionStorage, while the browser is at a provider

/** The page that `#next=` of the address names. Default: an invitation that is open in this tab, or the account. */
export function nextPage() {
  const wanted = wantedPage() ?? (sessionStorage.getItem(KEPT) ? "/invitation" : DEFAULT);
  const url = URL.canParse(wanted, location.origin) ? new URL(wanted, location.origin) : null;
  return url?.origin === location.origin && wanted.startsWith("/") ? url.href : DEFAULT; // whole: `//` begins a host
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
