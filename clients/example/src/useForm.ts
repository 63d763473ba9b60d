import type { ApiError } from "@authapp/client";
import { type FormEvent, useState } from "react";

import { asApiError } from "./useLoaded";

/** A form that is sent once at a time: `send` gets its fields, and is not called again before it has answered. */
export function useForm(send: (fields: Record<string, string>) => Promise<unknown>) {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  async function onSubmit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (isBusy) return;
    const form = event.currentTarget;
    setBusy(true);
    setError(null);
    try {
      await send(Object.fromEntries(new FormData(form)) as Record<string, string>);
      form.reset();
    } catch (problem) {
      setError(asApiError(problem));
    } finally {
      setBusy(false);
    }
  }
  return { onSubmit, isBusy, error };
}
