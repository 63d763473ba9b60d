import type { ApiError, Schemas } from "@authapp/client";
import { RegisterForm, SignInForm, useAuth } from "@authapp/react";
import { useCallback, useState } from "react";

import { client } from "../auth";
import { Card, Problem } from "../Page";
import { navigate } from "../router";
import { asApiError, useLoaded } from "../useLoaded";

const token = takeToken();

/** The email leads to `/invitation#token=…`. No server gets what is behind the #, and the address loses it at once. */
function takeToken(): string {
  if (location.pathname !== "/invitation") return "";
  const found = new URLSearchParams(location.hash.slice(1)).get("token");
  if (found) history.replaceState(null, "", location.pathname);
  return found ?? "";
}

export function Invitation() {
  const preview = useCallback(() => client.call("post", "/api/v1/invitations/preview", { body: { token } }), []);
  const { data: invitation, error } = useLoaded(preview);
  if (error)
    return (
      <Card title="Invitation">
        <Problem error={error} />
        <p>Open the link of the email again, or ask for another invitation.</p>
      </Card>
    );
  if (!invitation) return null;
  return (
    <Card
      title={`Join ${invitation.organization.name}`}
      intro={<>As {invitation.role}, with the address {invitation.email}.</>}
    >
      <Join invitation={invitation} />
    </Card>
  );
}

/** Who is signed in accepts. Others register, which accepts in one step, or sign in first. */
function Join({ invitation }: { invitation: Schemas["InvitationPreview"] }) {
  const { status, user } = useAuth();
  const [hasAccount, setHasAccount] = useState(false);
  if (status === "loading") return null;
  if (status === "signed_in") return <Accept email={user.email} isInvited={user.email === invitation.email} />;
  return (
    <>
      {hasAccount || status === "mfa_required" ? (
        <SignInForm onForgotPassword={() => navigate("/forgot-password")} />
      ) : (
        <RegisterForm email={invitation.email} invitationToken={token} onSuccess={() => navigate("/")} />
      )}
      <button type="button" className="authapp-link" onClick={() => setHasAccount(!hasAccount)}>
        {hasAccount ? "Register instead" : "I have an account"}
      </button>
    </>
  );
}

function Accept({ email, isInvited }: { email: string; isInvited: boolean }) {
  const { acceptInvitation, signOut } = useAuth();
  const [error, setError] = useState<ApiError | null>(null);
  async function accept() {
    try {
      const { id } = await acceptInvitation(token);
      await client.organization.use(id);
      navigate("/");
    } catch (problem) {
      setError(asApiError(problem));
    }
  }
  if (!isInvited)
    return (
      <>
        <p>You are signed in as {email}. The invitation is for another address.</p>
        <button type="button" className="authapp-button authapp-button-secondary" onClick={() => signOut()}>
          Sign out
        </button>
      </>
    );
  return (
    <>
      <Problem error={error} />
      <button type="button" className="authapp-button authapp-button-primary" onClick={accept}>
        Join
      </button>
    </>
  );
}
