import { createClient } from "@authapp/client";
import { AuthProvider, ForgotPasswordForm, MembersTable, OrganizationSwitcher } from "@authapp/react";
import { RegisterForm, RequireAuth, RequireRole, SignInForm, useAuth } from "@authapp/react";
import { useState } from "react";

const client = createClient({ url: "https://auth.example.com" });

export function App() {
  return (
    <AuthProvider client={client}>
      <RequireAuth loading={<p>Loading …</p>} fallback={<Welcome />}>
        <Workspace />
      </RequireAuth>
    </AuthProvider>
  );
}

function Welcome() {
  const [page, setPage] = useState<"sign-in" | "register" | "forgot">("sign-in");
  if (page === "register") return <RegisterForm organization="required" />;
  if (page === "forgot") return <ForgotPasswordForm />;
  return (
    <>
      <SignInForm onForgotPassword={() => setPage("forgot")} />
      <button type="button" onClick={() => setPage("register")}>Create an account</button>
    </>
  );
}

function Workspace() {
  const { user, organization, signOut } = useAuth();
  return (
    <>
      <p>{user?.email} <button type="button" onClick={() => void signOut()}>Sign out</button></p>
      <OrganizationSwitcher />
      {organization && <MembersTable organizationId={organization.id} />}
      <RequireRole role="admin" fallback={<p>Only admins see the settings.</p>}>
        <p>Settings of {organization?.name}</p>
      </RequireRole>
    </>
  );
}
