import type { State, User } from "@authapp/client";

/** What a form takes that may sign somebody in. */
export interface OnSuccess {
  /** Called with the account that is now signed in. */
  onSuccess?: ((user: User) => void) | undefined;
}

/** Tell the application who is signed in, where somebody is. */
export function succeed(state: State, onSuccess: OnSuccess["onSuccess"]): void {
  if (state.status === "signed_in") onSuccess?.(state.user);
}
