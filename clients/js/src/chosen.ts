// The organization that each account has chosen in this browser.
import { store, stored } from "./storage.js";

const KEY = "authapp.organization"; // in localStorage: an id for each account

/** What is stored may be anything: whatever runs on this origin writes there. */
function choices(): Record<string, unknown> {
  try {
    return Object(JSON.parse(stored(KEY) ?? "{}")) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** null: none, on purpose. undefined: nothing was chosen yet. */
export function chosenOf(account: string): string | null | undefined {
  const id = choices()[account];
  return typeof id === "string" || id === null ? id : undefined;
}

export function remember(account: string, id: string | null): void {
  store(KEY, JSON.stringify({ ...choices(), [account]: id }));
}
