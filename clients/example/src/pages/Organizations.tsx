import { useAuth } from "@authapp/react";

import { client } from "../auth";
import { Field, Form } from "../Form";
import { Card, Problem } from "../Page";
import { Link, navigate, usePath } from "../router";
import { type Refusal, useChoice } from "../useChoice";

/** At its own address, and in the place of a page that needs an organization where none is chosen. */
export function Organizations({ refusal: first }: { refusal: Refusal | null }) {
  const { user, memberships, organization: current, signOut } = useAuth();
  const { choose, refusal } = useChoice(first);
  const isOwnPage = usePath() === "/organizations";
  const open = (id: string) => choose(id, () => isOwnPage && navigate("/"));
  async function create({ name = "" }) {
    const { id } = await client.call("post", "/api/v1/organizations", { body: { name } });
    await client.reload();
    await open(id);
  }
  return (
    <Card
      title={memberships.length ? "Choose an organization" : "Create an organization"}
      footer={
        <>
          {current && <><Link href="/">Back to {current.name}</Link> · </>}
          Signed in as {user?.email}. <button type="button" className="authapp-link" onClick={() => signOut()}>Sign out</button>
        </>
      }
    >
      {memberships.length > 0 && (
        <ul className="choices">
          {memberships.map(({ organization: { id, name }, role }) => (
            <li key={id}>
              <button
                type="button"
                className="authapp-button authapp-button-secondary choice"
                aria-current={id === current?.id}
                onClick={() => open(id)}
              >
                {name} <span className="tag">{role}</span>
              </button>
              <Problem error={refusal?.id === id ? refusal.error : null} />
            </li>
          ))}
        </ul>
      )}
      <Form send={create} button="Create organization">
        <Field label="New organization" name="name" maxLength={100} autoComplete="organization" />
      </Form>
    </Card>
  );
}
