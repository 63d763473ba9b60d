"use client";

import { ApiError, type Organization, type Role } from "@authapp/client";
import { useEffect, useState } from "react";
import { apiError } from "./sentence.js";
import { useAuth } from "./useAuth.js";

const ROLES: Role[] = ["viewer", "developer", "admin"];

export interface OrganizationState {
  organization: Organization | null;
  /** The role of who is signed in. */
  role: Role | null;
  isLoading: boolean;
  error: ApiError | null;
  /** Whether the role is this one or a higher one. A hint for what to show: the API decides. */
  can: (role: Role) => boolean;
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
  return {
    organization,
    role,
    isLoading: status === "loading" || (isRead && !current),
    error: isRead ? (current?.error ?? null) : null,
    can: (lowest) => role !== null && ROLES.indexOf(role) >= ROLES.indexOf(lowest),
  };
}

/** An id that no path can have, as the empty one of an address that names none, is that of no organization. */
function errorOf(error: unknown): ApiError {
  return error instanceof TypeError ? new ApiError("organization_not_found", error.message, 404) : apiError(error);
}
