"use client";

import { useSyncExternalStore } from "react";
import { useProvided } from "./context.js";

const never = (): (() => void) => () => undefined;

/** Whether this browser has passkeys. Not on a server, and not in the first rendering of its HTML. */
export function usePasskeySupport(): boolean {
  const { client } = useProvided();
  return useSyncExternalStore(never, () => client.passkeys.isSupported(), () => false);
}
