import type { ApiError, Schemas } from "@authapp/client";
import { english, SignInForm, useAuth } from "@authapp/react";
import { useEffect, useState } from "react";

import { client } from "../auth";
import { Field, Form } from "../Form";
import { Card, Problem } from "../Page";
import { Link, navigate } from "../router";
import { asApiError } from "../useLoaded";

type Preview = Schemas["InvitationPreview"];

const KEPT = "acme-mlops.invitation"; // in sessionStorage: the token, until it is used or declined
const forget = () => sessionStorage.removeItem(KEPT);

/** The email leads to `/invitation#token=…`. No server gets what is behind the #, and the address loses it at once. */
function takeToken(): string {
  const found = new URLSearchParams(location.hash.slice(1)).get("token");
  if (found) {
    sessionStorage.setItem(KEPT, found);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem(KEPT) ?? "";
}

export function Invitation() {
  const [token, setToken] = useState(takeToken);
  const [invitation, setInvitation] = useState<Preview | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  async function open(found: string) {
    setError(null);
    const preview = await client.call("post", "/api/v1/invitations/preview", { body: { token: found } });
    sessionStorage.setItem(KEPT, found);
    setToken(found);
    setInvitation(preview);
  }
  useEffect(() => {
    if (!token) return;
    open(token).catch((problem: unknown) => {
      const error = asApiError(problem);
      if (error.code === "invalid_invitation") forget();
      setError(error);
    });
  }, []);
  if (invitation) return <Offer token={token} invitation={invitation} />;
  if (token && !error) return null;
  return (
    <Card
      title="Invitation"
      intro="Open the link of the email again, or paste the token that it has behind #token=."
      footer={<Link href="/">To the overview, if you have joined already</Link>}
    >
      <Problem error={error} />
      <Form send={({ token = "" }) => open(token.trim())} button="Show the invitation">
        <Field label="Token" name="token" defaultValue={token} spellCheck={false} autoCapitalize="none" />
      </Form>
    </Card>
  );
}

function Offer({ token, invitation }: { token: string; invitation: Preview }) {
  const [step, setStep] = useState<"join" | "decline" | "declined">("join");
  async function decline() {
    await client.call("post", "/api/v1/invitations/decline", { body: { token } });
    forget();
    setStep("declined");
  }
  const { name } = invitation.organization;
  if (step === "declined")
    return (
      <Card title="Invitation declined" footer={<Link href="/">To the overview</Link>}>
        <p>To join {name} later, you need another invitation.</p>
      </Card>
    );
  if (step === "decline")
    return (
      <Card title={`Decline to join ${name}?`} intro="The token stops working. To join later, you need another invitation.">
        <Form send={decline} button="Decline" danger />
        <button type="button" className="authapp-link" onClick={() => setStep("join")}>
          Back to the invitation
        </button>
      </Card>
    );
  return (
    <Card title={`Join ${name}`} intro={<>As {invitation.role}, with the address {invitation.email}.</>}>
      <Join token={token} invitation={invitation} />
      <button type="button" className="authapp-link" onClick={() => setStep("decline")}>
        Decline
      </button>
    </Card>
  );
}

/** Who is signed in accepts. Others register, which accepts in one step, or sign in first. */
function Join({ token, invitation }: { token: string; invitation: Preview }) {
  const { status, user } = useAuth();
  const [hasAccount, setHasAccount] = useState(false);
  if (status === "loading") return null;
  if (status === "signed_in") return <Accept token={token} email={user.email} isInvited={user.email === invitation.email} />;
  return (
    <>
      {hasAccount || status === "mfa_required" ? (
        <SignInForm onForgotPassword={() => navigate("/forgot-password")} />
      ) : (
        <Register token={token} email={invitation.email} />
      )}
      <button type="button" className="authapp-link" onClick={() => setHasAccount(!hasAccount)}>
        {hasAccount ? "Register instead" : "I have an account"}
      </button>
    </>
  );
}

/** The address cannot be changed: the invitation is for no other. */
function Register({ token, email }: { token: string; email: string }) {
  const { register } = useAuth();
  async function send({ password = "", first_name, last_name }: Record<string, string>) {
    await register({
      email,
      password,
      invitation_token: token,
      ...(first_name && { first_name }),
      ...(last_name && { last_name }),
    });
    forget();
    navigate("/");
  }
  return (
    <Form send={send} button="Join">
      <Field label="Email" name="email" type="email" value={email} readOnly autoComplete="username" />
      <Field label="Password" name="password" type="password" autoComplete="new-password" hint={english.password_hint} />
      <Field label="First name (optional)" name="first_name" autoComplete="given-name" required={false} />
      <Field label="Last name (optional)" name="last_name" autoComplete="family-name" required={false} />
    </Form>
  );
}

function Accept({ token, email, isInvited }: { token: string; email: string; isInvited: boolean }) {
  const { acceptInvitation, signOut } = useAuth();
  async function accept() {
    const { id } = await acceptInvitation(token);
    forget();
    await client.organization.use(id);
    navigate("/");
  }
  if (isInvited) return <Form send={accept} button="Join" />;
  return (
    <>
      <p>You are signed in as {email}. The invitation is for another address.</p>
      <button type="button" className="authapp-button authapp-button-secondary" onClick={() => signOut()}>
        Sign out
      </button>
    </>
  );
}
