"use client";

import type { Client, State } from "@authapp/client";
import { useCallback, useMemo, useSyncExternalStore } from "react";
import { useProvided } from "./context.js";

const ACTIONS = [
  "signIn", "register", "verifyMfa", "cancelMfa", "signOut", "acceptInvitation", "reauthenticate", "reload", "can",
] as const;

/** The state of the client, its functions, and the client itself. */
export type Auth = State & Pick<Client, (typeof ACTIONS)[number]> & { client: Client };

/** On a server nobody is known. The browser starts with the same, so that hydration finds what it expects. */
const ON_SERVER: State = { status: "loading", user: null, memberships: [], organization: null, mfa: null };

/** Who is signed in. The component renders again when that changes. */
export function useAuth(): Auth {
  const { client } = useProvided();
  const subscribe = useCallback((listener: () => void) => client.onChange(listener), [client]);
  const state = useSyncExternalStore(subscribe, () => client.state, () => ON_SERVER);
  return useMemo(
    () => ({
      ...state,
      client,
      signIn: (credentials) => client.signIn(credentials),
      register: (account) => client.register(account),
      verifyMfa: (factor) => client.verifyMfa(factor),
      cancelMfa: () => client.cancelMfa(),
      signOut: (options) => client.signOut(options),
      acceptInvitation: (token) => client.acceptInvitation(token),
      reauthenticate: (factor) => client.reauthenticate(factor),
      reload: () => client.reload(),
      can: (name) => client.can(name),
    }),
    [client, state],
  );
}
