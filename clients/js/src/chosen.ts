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

export function chosenOf(account: string): string | null {
  const id = choices()[account];
  return typeof id === "string" ? id : null;
}

export function remember(account: string, id: string | null): void {
  const { [account]: _, ...others } = choices();
  store(KEY, JSON.stringify(id ? { ...others, [account]: id } : others));
}
