"use client";

import { useState, type ReactElement } from "react";
import { useProvided } from "./context.js";
import { EmailField } from "./Field.js";
import { Form, type Values } from "./Form.js";
import { Mailbox } from "./Mailbox.js";

export interface ForgotPasswordFormProps {
  /** What was typed already, as `onForgotPassword` of `<SignInForm>` gives it. */
  email?: string | undefined;
}

/** Asks for the email with which a new password is set. It says the same for every address. */
export function ForgotPasswordForm({ email = "" }: ForgotPasswordFormProps): ReactElement {
  const { client, texts } = useProvided();
  const [isSent, setSent] = useState(false);
  if (isSent) return <Mailbox lead={texts.link_sent_lead} />;

  async function send({ email = "" }: Values): Promise<void> {
    await client.call("post", "/api/v1/auth/password/forgot", { body: { email } });
    setSent(true);
  }

  return (
    <Form label={texts.forgot_password} button={texts.send_link} send={send}>
      <EmailField defaultValue={email} />
    </Form>
  );
}
