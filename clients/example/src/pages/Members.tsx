import { MembersTable, useAuth } from "@authapp/react";

import { AUTHAPP } from "../auth";
import { Page, Panel } from "../Page";
import { useOrganizationId } from "../useOrganizationId";
import { Invitations } from "./Invitations";

export function Members() {
  const { can, organization } = useAuth();
  const id = useOrganizationId();
  return (
    <Page title="Members" intro="Who works here, and with which role.">
      {can("admin") && <Invitations organizationId={id} />}
      <Panel>
        <MembersTable organizationId={id} />
      </Panel>
      <p>
        <a href={`${AUTHAPP}/organizations/${organization?.slug}`}>
          API keys and history
        </a>{" "}
        <span className="muted">are in the console that authapp has for {organization?.name}.</span>
      </p>
    </Page>
  );
}
