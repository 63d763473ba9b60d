import type { ApiError } from "@authapp/client";
import { useState } from "react";

import { client } from "./auth";
import { asApiError } from "./useLoaded";

/** Why an organization could not be chosen: it may be suspended. */
export interface Refusal {
  id: string;
  error: ApiError;
}

/** Chooses an organization. `then` is called when that is done. */
export function useChoice(first: Refusal | null = null) {
  const [refusal, setRefusal] = useState(first);
  async function choose(id: string, then?: () => void) {
    setRefusal(null);
    try {
      await client.organization.use(id);
    } catch (problem) {
      return setRefusal({ id, error: asApiError(problem) });
    }
    then?.();
  }
  return { choose, refusal };
}
