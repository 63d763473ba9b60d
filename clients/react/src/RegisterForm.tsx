"use client";

import { useState, type ReactElement } from "react";
import { useProvided } from "./context.js";
import { EmailField, Field, PasswordField } from "./Field.js";
import { Form, type Values } from "./Form.js";
import { WithLink } from "./FormLink.js";
import { Mailbox } from "./Mailbox.js";
import { succeed, type OnSuccess } from "./success.js";
import { useAuth } from "./useAuth.js";

export interface RegisterFormProps extends OnSuccess {
  /** The token of an invitation email. The account joins that organization, and founds none. */
  invitationToken?: string | undefined;
  /** Filled in, as the address that was invited. */
  email?: string | undefined;
  /** Whether the form asks for the name of an organization to found. */
  organization?: "none" | "optional" | "required" | undefined;
  /** Shows a button that leads back. */
  onSignIn?: (() => void) | undefined;
}

/** A new account. Where the API tells nobody whether an address has one, it says to look into the mailbox. */
export function RegisterForm(props: RegisterFormProps): ReactElement {
  const { onSuccess, invitationToken, email: invited, organization = "optional", onSignIn } = props;
  const { texts } = useProvided();
  const { register, user } = useAuth();
  const [isSent, setSent] = useState(false);

  async function send({ email = "", password = "", ...others }: Values): Promise<void> {
    const invitation = invitationToken ? { invitation_token: invitationToken } : {};
    const state = await register({ email, password, ...others, ...invitation });
    if (state.user && state.user.id !== user?.id) succeed(state, onSuccess);
    else setSent(true); // whoever was signed in is still
  }

  return (
    <WithLink text={texts.to_sign_in} onPress={onSignIn}>
      {isSent ? (
        <Mailbox lead={texts.registered_lead} />
      ) : (
        <Form label={texts.register} button={invitationToken ? texts.join : texts.register} send={send}>
          <EmailField defaultValue={invited} />
          <PasswordField autoComplete="new-password" hint={texts.password_hint} />
          <div className="authapp-row">
            <Field name="first_name" label={texts.first_name} autoComplete="given-name" required={false} />
            <Field name="last_name" label={texts.last_name} autoComplete="family-name" required={false} />
          </div>
          {!invitationToken && organization !== "none" && (
            <Field
              name="organization_name"
              label={texts.organization_name}
              hint={texts.organization_name_hint}
              autoComplete="organization"
              required={organization === "required"}
            />
          )}
        </Form>
      )}
    </WithLink>
  );
}
