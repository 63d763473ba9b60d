// The organization that each account has chosen in this browser.
import { store, stored } from "./storage.js";

const KEY = "authapp.organization"; // in localStorage: an id for each account

const choices = (): Record<string, string> => JSON.parse(stored(KEY) ?? "{}") as Record<string, string>;

export const chosenOf = (account: string): string | null => choices()[account] ?? null;

export function remember(account: string, id: string | null): void {
  const { [account]: _, ...others } = choices();
  store(KEY, JSON.stringify(id ? { ...others, [account]: id } : others));
}
