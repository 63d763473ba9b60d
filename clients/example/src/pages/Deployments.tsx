import { useCallback } from "react";

import { deploy, listDeployments } from "../experiments";
import { Field, Form } from "../Form";
import { asDate, Empty, Page, Panel, Problem } from "../Page";
import { useLoaded } from "../useLoaded";
import { useOrganizationId } from "../useOrganizationId";

/** For developers and admins: App.tsx has RequireRole around it, and the API a guard. */
export function Deployments() {
  const id = useOrganizationId();
  const { data, error, reload } = useLoaded(useCallback(() => listDeployments(id), [id]));
  async function add({ model = "" }) {
    await deploy(id, model);
    reload();
  }
  return (
    <Page title="Deployments" intro="Models that answer requests now.">
      <Panel title="Deploy a model">
        <Form send={add} button="Deploy" inline>
          <Field label="Model" name="model" maxLength={100} placeholder="churn:3" />
        </Form>
      </Panel>
      <Panel title="Live">
        <Problem error={error} />
        {data?.length === 0 && <Empty>Nothing is deployed.</Empty>}
        <ul className="lines">
          {data?.map((one) => (
            <li key={one.id}>
              <strong>{one.model}</strong> <span className="tag">live</span> <time dateTime={one.deployed_at}>{asDate(one.deployed_at)}</time>
            </li>
          ))}
        </ul>
      </Panel>
    </Page>
  );
}
