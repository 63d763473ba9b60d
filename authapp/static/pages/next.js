// Where to go after signing in: a page of ours, never another address.
const DEFAULT = "/account";

/** The page that `#next=` of the address names. */
export function nextPage() {
  const wanted = new URLSearchParams(location.hash.slice(1)).get("next") ?? DEFAULT;
  const url = URL.canParse(wanted, location.origin) ? new URL(wanted, location.origin) : null;
  return url?.origin === location.origin && wanted.startsWith("/") ? url.href : DEFAULT; // whole: `//` begins a host
}

/** Lead to the sign-in page, and from there back to this one. */
export function leadToSignIn() {
  location.replace(`/sign-in#next=${encodeURIComponent(location.pathname + location.hash)}`);
}
