import { useAuth } from "@authapp/react";
import { useState } from "react";

import { client } from "../auth";
import { Field, Form } from "../Form";
import { Page, Panel } from "../Page";
import { navigate } from "../router";
import { useOrganizationId } from "../useOrganizationId";

const ORGANIZATION = "/api/v1/organizations/{organization_id}";

/** For admins. Deleting asks for a recent sign-in: AuthProvider shows its dialog, and the call is repeated. */
export function Settings() {
  const { organization } = useAuth();
  const path = { organization_id: useOrganizationId() };
  const [isSaved, setSaved] = useState(false);
  const name = organization?.name ?? "";
  async function rename(fields: Record<string, string>) {
    setSaved(false);
    await client.call("patch", ORGANIZATION, { path, body: { name: fields.name ?? "" } });
    await client.reload();
    setSaved(true);
  }
  async function remove() {
    await client.call("delete", ORGANIZATION, { path });
    await client.reload();
    navigate("/");
  }
  return (
    <Page title="Settings" intro={name}>
      <Panel title="Name">
        <Form send={rename} button="Save" inline>
          <Field label="Name of the organization" name="name" key={name} defaultValue={name} maxLength={100} />
        </Form>
        <p role="status">{isSaved && "Saved."}</p>
      </Panel>
      <Panel title="Delete the organization">
        <p>Every member loses access, and all API keys stop at once.</p>
        <Form send={remove} button="Delete organization" danger>
          <Field label={`Type ${name} to confirm`} name="confirmation" pattern={escapePattern(name)} title={name} />
        </Form>
      </Panel>
    </Page>
  );
}

const escapePattern = (text: string) => text.replace(/[^\p{L}\p{N} ]/gu, (one) => `\\u{${one.codePointAt(0)?.toString(16)}}`);
