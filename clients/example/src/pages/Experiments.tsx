import { useAuth } from "@authapp/react";
import { useCallback } from "react";

import { listExperiments, startExperiment } from "../experiments";
import { Field, Form } from "../Form";
import { asDate, Empty, Page, Panel, Problem } from "../Page";
import { useLoaded } from "../useLoaded";
import { useOrganizationId } from "../useOrganizationId";

/** Every member sees the list; developers start. `can` hides the form, and the guard of the API refuses the call. */
export function Experiments() {
  const { can } = useAuth();
  const id = useOrganizationId();
  const { data, error, reload } = useLoaded(useCallback(() => listExperiments(id), [id]));
  async function start({ name = "" }) {
    await startExperiment(id, name);
    reload();
  }
  return (
    <Page title="Experiments" intro="What your organization trains.">
      {can("developer") && (
        <Panel title="Start an experiment">
          <Form send={start} button="Start" inline>
            <Field label="Name" name="name" maxLength={100} placeholder="churn-2026-11" />
          </Form>
        </Panel>
      )}
      <Panel title="All experiments">
        <Problem error={error} />
        {data?.length === 0 && <Empty>Nothing has run yet.</Empty>}
        <ul className="lines">
          {data?.map((one) => (
            <li key={one.id}>
              <strong>{one.name}</strong> <time dateTime={one.started_at}>{asDate(one.started_at)}</time>
            </li>
          ))}
        </ul>
      </Panel>
    </Page>
  );
}
