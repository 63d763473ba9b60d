"use client";

import type { ApiError } from "@authapp/client";
import { useRef, useState, type ReactElement } from "react";
import { useProvided } from "./context.js";
import { EmailField, PasswordField } from "./Field.js";
import { Form, type Values } from "./Form.js";
import { FormLink } from "./FormLink.js";
import { MfaForm } from "./MfaForm.js";
import { PasskeyButton } from "./PasskeyButton.js";
import { succeed, type OnSuccess } from "./success.js";
import { useAuth } from "./useAuth.js";
import { usePasskeySupport } from "./usePasskeySupport.js";

export interface SignInFormProps extends OnSuccess {
  /** Shows a button for this, and gives the email that was typed. */
  onForgotPassword?: ((email: string) => void) | undefined;
  /** The same, for who has no account. */
  onRegister?: ((email: string) => void) | undefined;
}

/** Email and password, or a passkey; then the second factor of an account that has one. */
export function SignInForm({ onSuccess, onForgotPassword, onRegister }: SignInFormProps): ReactElement {
  const { texts } = useProvided();
  const { status, signIn } = useAuth();
  const hasPasskeys = usePasskeySupport();
  const [again, setAgain] = useState<{ times: number; error: ApiError | null }>({ times: 0, error: null });
  const email = useRef("");
  const startAgain = (error: ApiError | null): void => setAgain(({ times }) => ({ times: times + 1, error }));
  if (status === "mfa_required") return <MfaForm onSuccess={onSuccess} onStartAgain={startAgain} />;

  async function send({ email = "", password = "" }: Values): Promise<void> {
    succeed(await signIn({ email, password }), onSuccess);
  }

  return (
    <div className="authapp-sign-in">
      <Form key={again.times} label={texts.sign_in} button={texts.sign_in} send={send} initialError={again.error}>
        <EmailField
          autoComplete="username webauthn"
          defaultValue={email.current}
          onChange={(event) => (email.current = event.target.value)}
          autoFocus={again.times > 0}
        />
        <PasswordField autoComplete="current-password" />
      </Form>
      {onForgotPassword && <FormLink text={texts.forgot_password} onPress={() => onForgotPassword(email.current.trim())} />}
      {hasPasskeys && <p className="authapp-or">{texts.or}</p>}
      <PasskeyButton onSuccess={onSuccess} />
      {onRegister && <FormLink text={texts.to_register} onPress={() => onRegister(email.current.trim())} />}
    </div>
  );
}
