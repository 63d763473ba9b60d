import { RequireAuth, RequireRole, useAuth } from "@authapp/react";
import { type ReactNode, useEffect, useState } from "react";

import { AUTHAPP } from "./auth";
import { Page, Panel } from "./Page";
import { Deployments } from "./pages/Deployments";
import { Experiments } from "./pages/Experiments";
import { ForgotPassword } from "./pages/ForgotPassword";
import { Invitation } from "./pages/Invitation";
import { Members } from "./pages/Members";
import { NewOrganization } from "./pages/NewOrganization";
import { Overview } from "./pages/Overview";
import { Register } from "./pages/Register";
import { Settings } from "./pages/Settings";
import { SignIn } from "./pages/SignIn";
import { Link, usePath } from "./router";
import { Shell } from "./Shell";

const OPEN: Record<string, ReactNode> = {
  "/sign-in": <SignIn />,
  "/register": <Register />,
  "/forgot-password": <ForgotPassword />,
  "/invitation": <Invitation />,
};

const PROTECTED: Record<string, ReactNode> = {
  "/": <Overview />,
  "/experiments": <Experiments />,
  "/deployments": (
    <RequireRole role="developer" fallback={<Refused role="developer" />}>
      <Deployments />
    </RequireRole>
  ),
  "/members": <Members />,
  "/settings": (
    <RequireRole role="admin" fallback={<Refused role="admin" />}>
      <Settings />
    </RequireRole>
  ),
};

// Emails lead to FRONTEND_URL. What this app has no page for, authapp has; the token is behind the #.
const HOSTED = ["/reset-password", "/verify-email", "/undo-email-change"];

export function App() {
  const path = usePath();
  if (HOSTED.includes(path)) return <Hosted path={path} />;
  if (path in OPEN) return OPEN[path];
  if (!(path in PROTECTED)) return <NotFound />;
  return (
    <RequireAuth fallback={<SignIn />}>
      <Organization>{PROTECTED[path]}</Organization>
    </RequireAuth>
  );
}

function Hosted({ path }: { path: string }) {
  location.replace(AUTHAPP + path + location.hash);
  return null;
}

/** Every protected page is about the organization that is chosen: the only one, or the one of last time. */
function Organization({ children }: { children: ReactNode }) {
  const { client, organization, memberships } = useAuth();
  const [hasFailed, setFailed] = useState(false);
  const only = memberships.length === 1 && !organization ? memberships[0]?.organization.id : undefined;
  useEffect(() => {
    if (only) client.organization.use(only).catch(() => setFailed(true));
  }, [client, only]);
  if (only && !hasFailed) return null;
  return organization ? <Shell key={organization.id}>{children}</Shell> : <NewOrganization />;
}

function Refused({ role }: { role: string }) {
  return (
    <Page title="Not for your role">
      <Panel>
        <p>Your role in this organization is too low for this page. It is for the role {role}.</p>
        <Link className="authapp-button authapp-button-primary" href="/">
          Back to the overview
        </Link>
      </Panel>
    </Page>
  );
}

function NotFound() {
  return (
    <main className="alone">
      <Page title="Page not found">
        <p>There is nothing at this address.</p>
        <Link className="authapp-button authapp-button-primary" href="/">
          To the overview
        </Link>
      </Page>
    </main>
  );
}
