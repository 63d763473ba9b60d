// Where to go after signing in: a page of ours, never another address.
export const DEFAULT = "/account";
export const KEPT = "invitation"; // in sessionStorage: its token outlives a reload, signing out and another password

/** The page that `#next=` of the address names. Default: an invitation that is open in this tab, or the account. */
export function nextPage() {
  const start = sessionStorage.getItem(KEPT) ? "/invitation" : DEFAULT;
  const wanted = new URLSearchParams(location.hash.slice(1)).get("next") ?? start;
  const url = URL.canParse(wanted, location.origin) ? new URL(wanted, location.origin) : null;
  return url?.origin === location.origin && wanted.startsWith("/") ? url.href : DEFAULT; // whole: `//` begins a host
}

/** Lead to the sign-in page, and from there back to this one. */
export function leadToSignIn() {
  location.replace(`/sign-in#next=${encodeURIComponent(location.pathname + location.hash)}`);
}
