import { RequireAuth, RequireRole, useAuth } from "@authapp/react";
import { type ReactNode, useEffect } from "react";

import { AUTHAPP } from "./auth";
import { lastOrganization, rememberOrganization } from "./lastOrganization";
import { Page, Panel } from "./Page";
import { Deployments } from "./pages/Deployments";
import { Experiments } from "./pages/Experiments";
import { ForgotPassword } from "./pages/ForgotPassword";
import { Invitation } from "./pages/Invitation";
import { Members } from "./pages/Members";
import { Organizations } from "./pages/Organizations";
import { Overview } from "./pages/Overview";
import { Register } from "./pages/Register";
import { Settings } from "./pages/Settings";
import { SignIn } from "./pages/SignIn";
import { Link, usePath } from "./router";
import { Shell } from "./Shell";
import { useChoice } from "./useChoice";

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
  if (path !== "/organizations" && !(path in PROTECTED)) return <NotFound />;
  return (
    <RequireAuth fallback={<SignIn />}>
      {path in PROTECTED ? <Organization>{PROTECTED[path]}</Organization> : <Organizations refusal={null} />}
    </RequireAuth>
  );
}

function Hosted({ path }: { path: string }) {
  location.replace(AUTHAPP + path + location.hash);
  return null;
}

/** Every protected page is about the organization that is chosen: the only one, or the one of last time. */
function Organization({ children }: { children: ReactNode }) {
  const { user, organization, memberships } = useAuth();
  const { choose, refusal } = useChoice();
  const userId = user?.id ?? "";
  const id = organization?.id;
  const last = memberships.length === 1 ? memberships[0]?.organization.id : lastOrganization(userId);
  const wanted = !id && memberships.some((one) => one.organization.id === last) ? last : null;
  useEffect(() => {
    if (wanted) void choose(wanted);
  }, [wanted]);
  useEffect(() => {
    if (id) rememberOrganization(userId, id);
  }, [userId, id]);
  if (id) return <Shell key={id}>{children}</Shell>;
  return wanted && !refusal ? null : <Organizations refusal={refusal} />;
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
