"use client";

import { ApiError, type Organization, type RoleName } from "@authapp/client";
import { useEffect, useState } from "react";
import { apiError } from "./sentence.js";
import { useAuth } from "./useAuth.js";

export interface OrganizationState {
  organization: Organization | null;
  /** The role of who is signed in. */
  role: RoleName | null;
  isLoading: boolean;
  error: ApiError | null;
  /** Whether the role is this one or a higher one, or holds this permission. A hint for what to show: the API decides. */
  can: (roleOrPermission: RoleName) => boolean;
}

interface Answer {
  id: string;
  organization: Organization | null;
  error: ApiError | null;
}

/** An organization by its id, or the chosen one. Another than the chosen one is read from the API. */
export function useOrganization(id?: string): OrganizationState {
  const { client, status, user, memberships, organization: chosen } = useAuth();
  const [answer, setAnswer] = useState<Answer | null>(null);
  const userId = user?.id;
  const isRead = status === "signed_in" && id !== undefined && id !== chosen?.id;
  const known = memberships.find(({ organization }) => organization.id === id)?.role; // another role is read again

  useEffect(() => {
    if (!isRead) return setAnswer(null);
    const controller = new AbortController();
    const { signal } = controller;
    const show = (organization: Organization | null, error: ApiError | null): void => {
      if (!signal.aborted) setAnswer({ id, organization, error });
    };
    client.call("get", "/api/v1/organizations/{organization_id}", { path: { organization_id: id }, signal }).then(
      (organization) => show(organization, null),
      (error: unknown) => signal.aborted || show(null, errorOf(error)),
    );
    return () => controller.abort();
  }, [client, id, isRead, known, userId]);

  const current = answer?.id === id ? answer : null;
  const organization = isRead ? (current?.organization ?? null) : chosen;
  const role = organization?.role ?? null;
  const permissions = memberships.find((each) => each.organization.id === organization?.id)?.permissions ?? [];
  const { roles } = client;
  const rank = (name: RoleName | null): number => roles.indexOf(name ?? "");
  return {
    organization,
    role,
    isLoading: status === "loading" || (isRead && !current),
    error: isRead ? (current?.error ?? null) : null,
    can: (name) => (name.includes(".") ? permissions.includes(name) : roles.includes(name) && rank(role) >= rank(name)),
  };
}

/** An id that no path can have, as the empty one of an address that names none, is that of no organization. */
function errorOf(error: unknown): ApiError {
  return error instanceof TypeError ? new ApiError("organization_not_found", error.message, 404) : apiError(error);
}
