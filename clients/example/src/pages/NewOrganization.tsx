import { useAuth } from "@authapp/react";

import { client } from "../auth";
import { Field, Form } from "../Form";
import { Card } from "../Page";

/** For somebody who is in no organization: after leaving the last one, or after registering without one. */
export function NewOrganization() {
  const { user, memberships, signOut } = useAuth();
  async function create({ name = "" }) {
    const { id } = await client.call("post", "/api/v1/organizations", { body: { name } });
    await choose(id);
  }
  return (
    <Card
      title="Choose an organization"
      footer={<>Signed in as {user?.email}. <button type="button" className="authapp-link" onClick={() => signOut()}>Sign out</button></>}
    >
      {memberships.map(({ organization, role }) => (
        <button key={organization.id} type="button" className="authapp-button authapp-button-secondary choice" onClick={() => client.organization.use(organization.id)}>
          {organization.name} <span className="tag">{role}</span>
        </button>
      ))}
      <Form send={create} button="Create organization">
        <Field label="New organization" name="name" maxLength={100} autoComplete="organization" />
      </Form>
    </Card>
  );
}

async function choose(id: string) {
  await client.reload();
  await client.organization.use(id);
}
