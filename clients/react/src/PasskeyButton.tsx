"use client";

import type { ReactElement } from "react";
import { Form } from "./Form.js";
import { useProvided } from "./context.js";
import { succeed, type OnSuccess } from "./success.js";
import { useAuth } from "./useAuth.js";
import { usePasskeySupport } from "./usePasskeySupport.js";

/** Signs in with a passkey. Nothing where the browser has none. */
export function PasskeyButton({ onSuccess }: OnSuccess): ReactElement | null {
  const { texts } = useProvided();
  const { client } = useAuth();
  if (!usePasskeySupport()) return null;
  const signIn = async (): Promise<void> => succeed(await client.passkeys.signIn(), onSuccess);
  return <Form label={texts.sign_in_with_passkey} button={texts.sign_in_with_passkey} kind="secondary" send={signIn} />;
}
