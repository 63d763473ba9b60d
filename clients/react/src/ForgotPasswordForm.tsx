"use client";

import { useState, type ReactElement } from "react";
import { useProvided } from "./context.js";
import { EmailField } from "./Field.js";
import { Form, type Values } from "./Form.js";
import { WithLink } from "./FormLink.js";
import { Mailbox } from "./Mailbox.js";

export interface ForgotPasswordFormProps {
  /** What was typed already, as `onForgotPassword` of `<SignInForm>` gives it. */
  email?: string | undefined;
  /** Shows a button that leads back. */
  onSignIn?: (() => void) | undefined;
}

/** Asks for the email with which a new password is set. It says the same for every address. */
export function ForgotPasswordForm({ email = "", onSignIn }: ForgotPasswordFormProps): ReactElement {
  const { client, texts } = useProvided();
  const [isSent, setSent] = useState(false);

  async function send({ email = "" }: Values): Promise<void> {
    await client.call("post", "/api/v1/auth/password/forgot", { body: { email } });
    setSent(true);
  }

  return (
    <WithLink text={texts.to_sign_in} onPress={onSignIn}>
      {isSent ? (
        <Mailbox lead={texts.link_sent_lead} />
      ) : (
        <Form label={texts.forgot_password} button={texts.send_link} send={send}>
          <EmailField defaultValue={email} />
        </Form>
      )}
    </WithLink>
  );
}
