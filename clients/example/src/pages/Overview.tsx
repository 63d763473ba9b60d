import { useAuth } from "@authapp/react";
import { type ReactNode, useCallback } from "react";

import { AUTHAPP } from "../auth";
import { listExperiments } from "../experiments";
import { asDate, Empty, Page, Panel, Problem } from "../Page";
import { Link } from "../router";
import { useLoaded } from "../useLoaded";
import { useOrganizationId } from "../useOrganizationId";

export function Overview() {
  const { user, organization, can } = useAuth();
  const id = useOrganizationId();
  const { data: experiments, error } = useLoaded(useCallback(() => listExperiments(id), [id]));
  return (
    <Page
      title={user?.first_name ? `Hello, ${user.first_name}` : "Overview"}
      intro={organization?.name}
    >
      {user?.email_verified === false && (
        <p className="notice">
          Your address {user.email} is not verified yet: follow the link of the email, or{" "}
          <a href={`${AUTHAPP}/verify-email`}>get another one</a>.
        </p>
      )}
      <Problem error={error} />
      <dl className="figures">
        <Figure label="Experiments" value={experiments?.length ?? "…"}>
          <Link href="/experiments">All experiments</Link>
        </Figure>
        <Figure label="Your role" value={organization?.role ?? ""}>
          <Link href="/members">All members</Link>
        </Figure>
        <Figure label="Second factor" value={user?.mfa_enabled ? "On" : "Off"}>
          <a href={`${AUTHAPP}/account#mfa`}>{user?.mfa_enabled ? "Change" : "Set up"}</a>
        </Figure>
      </dl>
      <Panel title="Latest experiments">
        {experiments?.length === 0 && (
          <Empty>
            Nothing has run yet. {can("developer") && <Link href="/experiments">Start an experiment</Link>}
          </Empty>
        )}
        <ul className="lines">
          {experiments?.slice(0, 5).map((one) => (
            <li key={one.id}>
              <strong>{one.name}</strong> <time dateTime={one.started_at}>{asDate(one.started_at)}</time>
            </li>
          ))}
        </ul>
      </Panel>
    </Page>
  );
}

function Figure({ label, value, children }: { label: string; value: string | number; children: ReactNode }) {
  return (
    <div className="panel">
      <dt>{label}</dt>
      <dd>{value}</dd>
      <dd>{children}</dd>
    </div>
  );
}
