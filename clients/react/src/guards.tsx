"use client";

import type { RoleName } from "@authapp/client";
import type { ReactElement, ReactNode } from "react";
import { useProvided } from "./context.js";
import { Form } from "./Form.js";
import { OrganizationSwitcher } from "./OrganizationSwitcher.js";
import { useAuth } from "./useAuth.js";

export interface RequireAuthProps {
  /** For who is signed out. */
  fallback?: ReactNode;
  /** While it is not known who is signed in. */
  loading?: ReactNode;
  children?: ReactNode;
}

interface RequireOrganizationProps extends RequireAuthProps {
  /** For who has organizations and has chosen none. Default: `<OrganizationSwitcher>`. */
  choose?: ReactNode;
}

export interface RequireRoleProps extends RequireOrganizationProps {
  /** The lowest role in the chosen organization. */
  role: RoleName;
}

export interface RequirePermissionProps extends RequireOrganizationProps {
  /** The name of a permission that the application declares. */
  permission: string;
}

/**
 * Shows its children to who is signed in. Where authapp does not answer, it says so and offers to try again. This only
 * hides: the API decides who may do what.
 */
export function RequireAuth({ fallback = null, loading = null, children }: RequireAuthProps): ReactElement {
  const { startError, texts } = useProvided();
  const { status, client } = useAuth();
  if (status === "loading" && startError) {
    const again = texts.try_again;
    return <Form label={again} button={again} kind="secondary" initialError={startError} send={client.start} />;
  }
  if (status === "loading") return <>{loading}</>;
  return <>{status === "signed_in" ? children : fallback}</>;
}

/** Shows its children to who has a role in the chosen organization. This only hides: the API decides. */
export function RequireRole({ role, ...props }: RequireRoleProps): ReactElement {
  return <RequireHeld name={role} {...props} />;
}

/** Shows its children to who holds a permission in the chosen organization. This only hides: the API decides. */
export function RequirePermission({ permission, ...props }: RequirePermissionProps): ReactElement {
  return <RequireHeld name={permission} {...props} />;
}

function RequireHeld(props: RequireOrganizationProps & { name: string }): ReactElement {
  const { name, fallback = null, loading, choose = <OrganizationSwitcher />, children } = props;
  const { can, memberships, organization } = useAuth();
  const isToChoose = !organization && memberships.length > 0;
  return <RequireAuth fallback={fallback} loading={loading}>{isToChoose ? choose : can(name) ? children : fallback}</RequireAuth>;
}
