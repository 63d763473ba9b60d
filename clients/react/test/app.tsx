import { createClient } from "@authapp/client";
import { AuthProvider, ForgotPasswordForm, MembersTable, OrganizationSwitcher } from "@authapp/react";
import { RegisterForm, RequireAuth, RequireRole, SignInForm, useAuth } from "@authapp/react";
import { useEffect, useRef, useState } from "react";

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
  const signIn = () => setPage("sign-in");
  if (page === "register") return <RegisterForm organization="required" onSignIn={signIn} />;
  if (page === "forgot") return <ForgotPasswordForm onSignIn={signIn} />;
  return <SignInForm onRegister={() => setPage("register")} onForgotPassword={() => setPage("forgot")} />;
}

function Workspace() {
  const { user, organization, signOut } = useAuth();
  const main = useRef<HTMLElement>(null);
  useEffect(() => {
    if (document.activeElement === document.body) main.current?.focus(); // the form had the focus, and is gone
  }, []);
  return (
    <main ref={main} tabIndex={-1}>
      <p>{user?.email} <button type="button" onClick={() => void signOut()}>Sign out</button></p>
      <OrganizationSwitcher />
      {organization && <MembersTable organizationId={organization.id} />}
      <RequireRole role="admin" choose={null} fallback={<p>Only admins see the settings.</p>}>
        <p>Settings of {organization?.name}</p>
      </RequireRole>
    </main>
  );
}
