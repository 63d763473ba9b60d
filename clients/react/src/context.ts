"use client";

import type { ApiError, Client } from "@authapp/client";
import { createContext, useContext } from "react";
import type { Texts } from "./texts.js";

export interface Provided {
  client: Client;
  texts: Texts;
  /** Why it is not known who is signed in: authapp has not answered. */
  startError: ApiError | null;
}

export const AuthContext = createContext<Provided | null>(null);

/** What the nearest `<AuthProvider>` gives. */
export function useProvided(): Provided {
  const provided = useContext(AuthContext);
  if (!provided) throw new Error("There is no <AuthProvider> around this component.");
  return provided;
}
