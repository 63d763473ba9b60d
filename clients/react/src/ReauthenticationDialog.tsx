"use client";

import type { ApiError } from "@authapp/client";
import { useEffect, useState, type ReactElement } from "react";
import { useProvided } from "./context.js";
import { Dialog } from "./Dialog.js";
import { Field, PasswordField } from "./Field.js";
import { Form, type Values } from "./Form.js";
import { apiError } from "./sentence.js";
import { useAuth } from "./useAuth.js";
import { usePasskeySupport } from "./usePasskeySupport.js";

/** What `<AuthProvider reauthentication>` gives to its component. */
export interface ReauthenticationProps {
  /** The `reauthentication_required` of the call that waits. */
  error: ApiError;
  /** Ends the question. `true`: the person has authenticated again, and the call is repeated. */
  onClose: (done: boolean) => void;
}

/** Asks for the password, and for a code where there is a second factor; or for a passkey. */
export function ReauthenticationDialog({ onClose }: ReauthenticationProps): ReactElement | null {
  const { texts } = useProvided();
  const { user, client, reauthenticate } = useAuth();
  const hasPasskey = useHasPasskey();
  if (!user) return null;
  const cancel = (): void => onClose(false);

  async function withPasskey(): Promise<void> {
    await reauthenticate({ passkey: true });
    onClose(true);
  }

  async function withPassword({ password = "", code = "" }: Values): Promise<void> {
    try {
      await reauthenticate({ password, ...(code && factor(code)) });
    } catch (error) {
      if (apiError(error).errors["code"]) await client.reload(); // another tab has set up a second factor
      throw error;
    }
    onClose(true);
  }

  return (
    <Dialog title={texts.reauthentication_title} onClose={cancel}>
      <p className="authapp-lead">
        {user.has_password || hasPasskey ? texts.reauthentication_lead : texts.sign_in_again_lead}
      </p>
      {user.has_password && (
        <Form
          label={texts.reauthentication_title}
          button={texts.confirm}
          send={withPassword}
          onCancel={cancel}
          beside={{ wrong_credentials: "password", wrong_code: "code" }}
        >
          <input type="email" autoComplete="username" defaultValue={user.email} readOnly hidden />
          <PasswordField autoComplete="current-password" />
          {user.mfa_enabled && <Field name="code" label={texts.any_code} hint={texts.any_code_hint} autoComplete="one-time-code" />}
        </Form>
      )}
      {hasPasskey && (
        <>
          {user.has_password && <p className="authapp-or">{texts.or}</p>}
          <Form
            label={texts.use_passkey}
            button={texts.use_passkey}
            kind="secondary"
            send={withPasskey}
            onCancel={user.has_password ? undefined : cancel}
          />
        </>
      )}
      {!user.has_password && !hasPasskey && (
        <Form label={texts.sign_in_again} button={texts.sign_in_again} send={() => client.signOut()} onCancel={cancel} />
      )}
    </Dialog>
  );
}

/** Whether the account has a passkey that this browser may ask for. */
function useHasPasskey(): boolean {
  const { client } = useProvided();
  const isSupported = usePasskeySupport();
  const [hasPasskey, setHasPasskey] = useState(false);
  useEffect(() => {
    if (isSupported) client.passkeys.list().then((list) => setHasPasskey(list.length > 0), () => undefined);
  }, [client, isSupported]);
  return hasPasskey;
}

/** What somebody typed as a code of the app or as a recovery code. */
function factor(typed: string): { code: string } | { recovery_code: string } {
  const code = typed.replace(/\s/g, "");
  return /^\d{0,10}$/.test(code) ? { code } : { recovery_code: code };
}
