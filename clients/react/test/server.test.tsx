// There is no document here: whatever touches one while it renders fails.
import assert from "node:assert/strict";
import test from "node:test";
import { createClient } from "@authapp/client";
import * as authapp from "@authapp/react";
import { type ReactNode } from "react";
import { renderToString } from "react-dom/server";

const client = createClient({ url: "https://auth.example.com" });

function html(children: ReactNode): string {
  assert.equal(typeof globalThis.window, "undefined");
  return renderToString(<authapp.AuthProvider client={client}>{children}</authapp.AuthProvider>);
}

const COMPONENTS: [string, ReactNode, string][] = [
  ["SignInForm", <authapp.SignInForm onForgotPassword={() => undefined} />, "current-password"],
  ["RegisterForm", <authapp.RegisterForm />, "new-password"],
  ["MfaForm", <authapp.MfaForm />, ""],
  ["ForgotPasswordForm", <authapp.ForgotPasswordForm />, "Send the link"],
  ["PasskeyButton", <authapp.PasskeyButton />, ""],
  ["OrganizationSwitcher", <authapp.OrganizationSwitcher />, ""],
  ["MembersTable", <authapp.MembersTable organizationId="o" />, "Members of Organization"],
  ["RequireAuth", <authapp.RequireAuth loading="loads" fallback="nobody">inside</authapp.RequireAuth>, "loads"],
  ["RequirePermission", <authapp.RequirePermission permission="a.b" loading="loads">inside</authapp.RequirePermission>, "loads"],
  ["RequireRole", <authapp.RequireRole role="viewer" loading="loads" fallback="nobody">inside</authapp.RequireRole>, "loads"],
];

for (const [name, element, part] of COMPONENTS) {
  test(`${name} renders on a server, where nobody is known yet`, () => {
    const said = html(element);
    assert.equal(said === "", part === "");
    assert.ok(said.includes(part), said);
    assert.doesNotMatch(said, /nobody|inside/);
  });
}
