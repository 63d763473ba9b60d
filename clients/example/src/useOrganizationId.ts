import { useAuth } from "@authapp/react";

/** The id of the organization that is chosen. The protected pages are only shown where there is one. */
export function useOrganizationId(): string {
  const { organization } = useAuth();
  if (!organization) throw new Error("no organization is chosen");
  return organization.id;
}
