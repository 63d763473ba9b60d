import type { Role } from "@authapp/client";
import { MembersTable, useAuth } from "@authapp/react";
import { useId, useState } from "react";

import { client } from "../auth";
import { Field, Form } from "../Form";
import { Page, Panel } from "../Page";
import { useOrganizationId } from "../useOrganizationId";

export function Members() {
  const { can } = useAuth();
  const id = useOrganizationId();
  return (
    <Page title="Members" intro="Who works here, and with which role.">
      {can("admin") && <Invite organizationId={id} />}
      <Panel>
        <MembersTable organizationId={id} />
      </Panel>
    </Page>
  );
}

function Invite({ organizationId }: { organizationId: string }) {
  const [invited, setInvited] = useState("");
  const role = useId();
  async function send(fields: Record<string, string>) {
    setInvited("");
    const { email } = await client.call("post", "/api/v1/organizations/{organization_id}/invitations", {
      path: { organization_id: organizationId },
      body: { email: fields.email ?? "", role: fields.role as Role },
    });
    setInvited(email);
  }
  return (
    <Panel title="Invite somebody">
      <Form send={send} button="Invite" inline>
        <Field label="Email" name="email" type="email" />
        <div className="authapp-field">
          <label htmlFor={role}>Role</label>
          <select id={role} name="role" defaultValue="developer">
            <option value="admin">Admin</option>
            <option value="developer">Developer</option>
            <option value="viewer">Viewer</option>
          </select>
        </div>
      </Form>
      <p role="status">{invited && `${invited} gets an email with a link.`}</p>
    </Panel>
  );
}
