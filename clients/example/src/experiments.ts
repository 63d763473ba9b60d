// An API of one's own: `api.py`, served by authapp. `client.fetch` sends the access token and renews it before.
import { client } from "./auth";

export interface Experiment {
  id: string;
  name: string;
  started_by: string;
  started_at: string;
}

export interface Deployment {
  id: string;
  model: string;
  deployed_at: string;
}

export const listExperiments = (organizationId: string) => read<Experiment[]>(organizationId, "experiments");
export const startExperiment = (organizationId: string, name: string) =>
  read<Experiment>(organizationId, "experiments", { name });

export const listDeployments = (organizationId: string) => read<Deployment[]>(organizationId, "deployments");
export const deploy = (organizationId: string, model: string) =>
  read<Deployment>(organizationId, "deployments", { model });

async function read<T>(organizationId: string, list: string, body?: object): Promise<T> {
  const response = await client.fetch(`/api/v1/organizations/${organizationId}/${list}`, {
    method: body ? "POST" : "GET",
    ...(body && { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
  });
  return response.json() as Promise<T>; // an error of the API was thrown as ApiError
}
