import { ApiError } from "@authapp/client";
import { useCallback, useEffect, useState } from "react";

export interface Loaded<T> {
  data: T | null;
  error: ApiError | null;
  reload: () => void;
}

/**
 * What `load` gives, and again after `reload()`. An answer that arrives after another `load` is thrown away.
 * `load` must be stable: a function of a module, or of `useCallback`.
 */
export function useLoaded<T>(load: () => Promise<T>): Loaded<T> {
  const [loaded, setLoaded] = useState<{ data: T | null; error: ApiError | null }>({ data: null, error: null });
  const [round, setRound] = useState(0);
  useEffect(() => {
    let isWanted = true;
    load().then(
      (data) => isWanted && setLoaded({ data, error: null }),
      (error: unknown) => isWanted && setLoaded({ data: null, error: asApiError(error) }),
    );
    return () => {
      isWanted = false;
    };
  }, [load, round]);
  return { ...loaded, reload: useCallback(() => setRound((last) => last + 1), []) };
}

/** The error of the API. Any other is a bug of this app and is thrown on. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  throw error;
}
