"use client";

import type { ApiError, Factor } from "@authapp/client";
import { useState, type ReactElement } from "react";
import { useProvided } from "./context.js";
import { Field } from "./Field.js";
import { Form, type Values } from "./Form.js";
import { apiError } from "./sentence.js";
import { succeed, type OnSuccess } from "./success.js";
import { useAuth } from "./useAuth.js";
import { usePasskeySupport } from "./usePasskeySupport.js";

const START_AGAIN = ["invalid_mfa_token", "too_many_attempts"];

export interface MfaFormProps extends OnSuccess {
  /** Called where the sign-in begins again: with the error that ended it, or null where the person wanted it. */
  onStartAgain?: ((error: ApiError | null) => void) | undefined;
}

/** The second factor: a code, a recovery code or a passkey. Nothing while none is asked for. */
export function MfaForm({ onSuccess, onStartAgain }: MfaFormProps): ReactElement | null {
  const { texts } = useProvided();
  const { status, mfa, verifyMfa, cancelMfa } = useAuth();
  const [isRecovery, setRecovery] = useState(false);
  const hasPasskeys = usePasskeySupport();
  if (status !== "mfa_required") return null;

  function startAgain(error: ApiError | null): void {
    cancelMfa();
    onStartAgain?.(error);
  }

  async function verify(factor: Factor): Promise<void> {
    try {
      succeed(await verifyMfa(factor), onSuccess);
    } catch (error) {
      const { code } = apiError(error);
      if (!START_AGAIN.includes(code)) throw error;
      startAgain(apiError(error));
    }
  }

  return (
    <div className="authapp-mfa">
      {isRecovery ? <RecoveryCodeForm verify={verify} /> : <CodeForm verify={verify} />}
      <button type="button" className="authapp-link" onClick={() => setRecovery(!isRecovery)}>
        {isRecovery ? texts.use_app : texts.use_recovery_code}
      </button>
      {hasPasskeys && mfa.methods.includes("passkey") && (
        <>
          <p className="authapp-or">{texts.or}</p>
          <Form label={texts.use_passkey} button={texts.use_passkey} kind="secondary" send={() => verify({ passkey: true })} />
        </>
      )}
      <button type="button" className="authapp-link" onClick={() => startAgain(null)}>{texts.start_again}</button>
    </div>
  );
}

interface FactorProps {
  verify: (factor: Factor) => Promise<void>;
}

function CodeForm({ verify }: FactorProps): ReactElement {
  const { texts } = useProvided();
  const send = ({ code = "" }: Values): Promise<void> => verify({ code: code.replace(/\s/g, "") });
  return (
    <Form label={texts.mfa_title} button={texts.continue} send={send} beside={{ wrong_code: "code" }}>
      <p className="authapp-lead">{texts.mfa_lead}</p>
      <Field name="code" label={texts.code} hint={texts.code_hint} autoComplete="one-time-code" inputMode="numeric" maxLength={10} autoFocus />
    </Form>
  );
}

function RecoveryCodeForm({ verify }: FactorProps): ReactElement {
  const { texts } = useProvided();
  const send = ({ recovery_code = "" }: Values): Promise<void> => verify({ recovery_code: recovery_code.trim() });
  return (
    <Form label={texts.mfa_title} button={texts.continue} send={send} beside={{ wrong_code: "recovery_code" }}>
      <p className="authapp-lead">{texts.recovery_lead}</p>
      <Field name="recovery_code" label={texts.recovery_code} autoComplete="off" autoCapitalize="none" autoFocus />
    </Form>
  );
}
