import { all, alerts, button, click, errorOf, fillIn, render, show, showSettled, text, until } from "./screen.js";
import assert from "node:assert/strict";
import test from "node:test";
import { createClient, type Role } from "@authapp/client";
import { AuthProvider, RequireAuth, RequirePermission, RequireRole, SignInForm, useAuth, type ReauthenticationProps } from "@authapp/react";
import { act, StrictMode, useState } from "react";
import { ada, Api, AUTH, later, ok, organization, problem, session } from "./api.js";

const CRITICAL = "POST /api/v1/critical";
const AGAIN = problem(401, "reauthentication_required", "Confirm that it is you, and try again.");

function Who() {
  const auth = useAuth();
  return <p>{auth.status === "signed_in" ? auth.user.email : auth.status}</p>;
}

test("StrictMode mounts twice and refreshes once", async (t) => {
  const api = new Api();
  api.signedIn(ada);
  const client = createClient({ url: "https://auth.example.com" });
  await render(t, <StrictMode><AuthProvider client={client}><Who /></AuthProvider></StrictMode>);
  await until(() => text() === ada.email);
  client.close();
  assert.equal(api.to(`POST ${AUTH}/refresh`).length, 1);
});

test("what is rendered follows the client", async (t) => {
  const api = new Api();
  const { client } = await showSettled(t, <Who />);
  assert.equal(text(), "signed_out");
  api.signedIn(ada);
  await act(() => client.reload());
  assert.equal(text(), ada.email);
  await act(() => client.signOut());
  assert.equal(text(), "signed_out");
});

test("a provider that unmounts leaves no listener and asks nobody any more", async (t) => {
  new Api().signedIn(ada);
  const client = createClient({ url: "https://auth.example.com" });
  let listeners = 0;
  const onChange: typeof client.onChange = (listener) => {
    const stop = client.onChange(listener);
    listeners++;
    return () => {
      listeners--;
      stop();
    };
  };
  const { unmount } = await show(t, <StrictMode><Who /></StrictMode>, { client: Object.create(client, { onChange: { value: onChange } }) });
  await until(() => text() === ada.email);
  assert.ok(listeners > 0);
  await unmount();
  assert.equal(listeners, 0);
});

test("useAuth needs a provider", async (t) => {
  t.mock.method(console, "error", () => undefined);
  await assert.rejects(render(t, <Who />), /no <AuthProvider>/);
});

test("RequireAuth shows nothing until it is known who is signed in", async (t) => {
  const { answer, give } = later();
  new Api().on(`POST ${AUTH}/refresh`, () => answer);
  await show(t, <RequireAuth fallback="nobody">inside</RequireAuth>);
  assert.equal(text(), "");
  give(problem(401, "invalid_token", "Sign in again."));
  await until(() => text() === "nobody");
});

test("RequireAuth says that nobody answers, and starts again at a press", async (t) => {
  const api = new Api();
  api.on(`POST ${AUTH}/refresh`, () => problem(429, "rate_limited", "Too many requests.", {}, { "Retry-After": "60" }));
  await show(t, <RequireAuth loading="loads" fallback="nobody">inside</RequireAuth>);
  await until(() => alerts() !== "");
  assert.match(alerts(), /^Too many requests. Try again in 1 minute./);
  api.signedIn(ada);
  await click("Try again");
  await until(() => text() === "inside");
});

test("RequireAuth shows its children to who is signed in, and its loading meanwhile", async (t) => {
  const { answer, give } = later();
  const api = new Api();
  api.account(ada);
  api.on(`POST ${AUTH}/refresh`, () => answer);
  await show(t, <RequireAuth loading="loads" fallback="nobody">inside</RequireAuth>);
  assert.equal(text(), "loads");
  give(session());
  await until(() => text() === "inside");
});

const ROLES: Role[] = ["viewer", "developer", "admin"];
for (const mine of ROLES) {
  for (const needed of ROLES) {
    const isShown = ROLES.indexOf(mine) >= ROLES.indexOf(needed);
    test(`RequireRole ${isShown ? "shows" : "hides"} what is for a ${needed} where the role is ${mine}`, async (t) => {
      new Api().signedIn(ada, [organization("acme", mine)]);
      await showSettled(t, <RequireRole role={needed} fallback="refused">inside</RequireRole>);
      assert.equal(text(), isShown ? "inside" : "refused");
    });
  }
}

for (const [permission, shown] of [["models.read", "inside"], ["models.deploy", "refused"], ["models", "refused"]]) {
  test(`RequirePermission shows to a viewer of ${permission}: ${shown}`, async (t) => {
    new Api().signedIn(ada, [organization("acme", "viewer")]);
    await showSettled(t, <RequirePermission permission={permission!} fallback="refused">inside</RequirePermission>);
    assert.equal(text(), shown);
  });
}

test("RequireRole lets an admin choose one of several organizations in place of a refusal", async (t) => {
  new Api().signedIn(ada, [organization("acme", "admin"), organization("other", "viewer")]);
  const { client } = await showSettled(t, <RequireRole role="admin" fallback="refused">inside</RequireRole>);
  assert.doesNotMatch(text(), /refused|inside/);
  await fillIn({ Organization: "o-acme" });
  await until(() => text() === "inside");
  await act(() => client.organization.use("o-other"));
  assert.equal(text(), "refused");
});

test("RequireRole shows what the application has for choosing, and its fallback where there is nothing to choose", async (t) => {
  const api = new Api();
  api.signedIn(ada, [organization("acme", "admin"), organization("other", "viewer")]);
  const { client } = await showSettled(t, <RequireRole role="admin" fallback="refused" choose="choose">inside</RequireRole>);
  assert.equal(text(), "choose");
  api.account(ada);
  await act(() => client.reload());
  assert.equal(text(), "refused");
});

/** Another tab says that somebody else has signed in. */
function otherTabSignsIn(account: string): void {
  const channel = new BroadcastChannel("authapp https://auth.example.com");
  channel.postMessage({ type: "signed_in", account, token: "at", seconds: 1800, at: Date.now() });
  setTimeout(() => channel.close(), 100);
}

test("RequireAuth says that nobody answers after a change of account in another tab", async (t) => {
  const api = new Api();
  api.signedIn(ada);
  const { client } = await showSettled(t, <RequireAuth loading="loads" fallback="nobody">inside</RequireAuth>);
  api.on(`GET ${AUTH}/me`, () => problem(429, "rate_limited", "Too many requests."));
  otherTabSignsIn("u-grace");
  await until(() => alerts() !== "");
  assert.equal(client.state.status, "loading");
  assert.match(alerts(), /^Too many requests/);
  api.account({ ...ada, id: "u-grace" });
  await click("Try again");
  await until(() => text() === "inside");
});

test("an error of the start is forgotten when it is known who is signed in", async (t) => {
  const api = new Api();
  api.on(`POST ${AUTH}/refresh`, () => problem(429, "rate_limited", "Too many requests."));
  const { client } = await show(t, <RequireAuth loading="loads" fallback="nobody">inside</RequireAuth>);
  await until(() => alerts() !== "");
  api.signedIn(ada);
  await act(() => client.reload());
  assert.equal(text(), "inside");
  const { answer, give } = later();
  api.on(`GET ${AUTH}/me`, () => answer);
  otherTabSignsIn("u-grace");
  await until(() => text() !== "inside");
  assert.equal(text(), "loads");
  give(ok({ ...ada, id: "u-grace", memberships: [], memberships_truncated: false }));
  await until(() => text() === "inside");
});

test("an error of the start is forgotten with its client", async (t) => {
  const api = new Api();
  api.on(`POST ${AUTH}/refresh`, () => problem(429, "rate_limited", "Too many requests."));
  const [first, second] = [createClient({ url: "https://auth.example.com" }), createClient({ url: "https://auth.example.com" })];
  function Switch() {
    const [client, setClient] = useState(first);
    return (
      <>
        <AuthProvider client={client}><RequireAuth loading="loads" fallback="nobody">inside</RequireAuth></AuthProvider>
        <button type="button" onClick={() => setClient(second)}>Switch</button>
      </>
    );
  }
  t.after(() => [first, second].forEach((client) => client.close()));
  await render(t, <Switch />);
  await until(() => alerts() !== "");
  const { answer, give } = later();
  api.on(`POST ${AUTH}/refresh`, () => answer);
  await click("Switch");
  await until(() => !text().includes("Too many"));
  assert.equal(text(), "loadsSwitch");
  give(problem(401, "invalid_token", "Sign in again."));
  await until(() => text() === "nobodySwitch");
});

test("an application has its own texts, and English for the others", async (t) => {
  new Api();
  await showSettled(t, <SignInForm />, { texts: { email: "E-Mail", sign_in: "Anmelden" } });
  await click("Anmelden");
  assert.equal(errorOf("E-Mail"), "Fill this in.");
});

/** A call that needs a recent sign-in, until the person has authenticated again. */
async function critical(api: Api, call: () => Promise<unknown>): Promise<{ result: () => string }> {
  let result = "waits";
  let isRecent = false;
  api.on(CRITICAL, () => (isRecent ? ok({}) : AGAIN));
  api.on(`POST ${AUTH}/reauthenticate`, ({ body }) => {
    if (body["password"] !== "right") return problem(401, "wrong_credentials", "The email or the password is wrong.");
    isRecent = true;
    return ok({ auth_time: "2026-01-01T00:00:00Z", amr: ["pwd"] });
  });
  await act(async () => {
    call().then(() => (result = "done"), (error: unknown) => (result = String(error)));
  });
  return { result: () => result };
}

test("a call that needs a recent sign-in asks for the password in a dialog and is repeated", async (t) => {
  const api = new Api();
  api.signedIn(ada);
  const { client } = await showSettled(t, <StrictMode><Who /></StrictMode>);
  const { result } = await critical(api, () => client.fetch("/api/v1/critical", { method: "POST" }));
  await until(() => all("dialog[open]").length === 1);
  assert.equal(document.activeElement?.getAttribute("name"), "password");
  await fillIn({ Password: "wrong" });
  await click("Confirm");
  await until(() => errorOf("Password"));
  assert.equal(errorOf("Password"), "The email or the password is wrong.");
  assert.equal(document.activeElement?.getAttribute("name"), "password");
  await fillIn({ Password: "right" });
  await click("Confirm");
  await until(() => result() !== "waits");
  assert.equal(result(), "done");
  assert.equal(all("dialog").length, 0);
  assert.equal(api.to(CRITICAL).length, 2);
});

test("an account with a second factor is asked for a code too, and another tab may have set it up", async (t) => {
  const api = new Api();
  api.signedIn(ada);
  const { client } = await showSettled(t, <Who />);
  const { result } = await critical(api, () => client.fetch("/api/v1/critical", { method: "POST" }));
  await until(() => all("dialog[open]").length === 1);
  api.account({ ...ada, mfa_enabled: true });
  api.on(`POST ${AUTH}/reauthenticate`, ({ body }) => {
    if (body["code"]) return ok({ auth_time: "2026-01-01T00:00:00Z", amr: [] });
    return problem(422, "validation_failed", "Some fields are invalid; see errors.", { errors: { json: { code: ["Send a code."] } } });
  });
  await fillIn({ Password: "right" });
  await click("Confirm");
  await until(() => all("[name=code]").length);
  await until(() => errorOf("Code or recovery code"));
  assert.equal(errorOf("Code or recovery code"), "Send a code.");
  api.on(CRITICAL, () => ok({}));
  await fillIn({ "Code or recovery code": "123 456" });
  await click("Confirm");
  await until(() => result() === "done");
  assert.deepEqual(api.to(`POST ${AUTH}/reauthenticate`).at(-1)?.body, { password: "right", code: "123456" });
});

const ENDS: [string, (client: ReturnType<typeof createClient>) => Promise<unknown>][] = [
  ["is cancelled", () => click("Cancel")],
  ["is closed with the Escape key", async () => act(async () => document.querySelector("dialog")?.close())],
  ["has nobody to ask because of a sign-out", (client) => act(() => client.signOut())],
];
for (const [what, end] of ENDS) {
  test(`a call fails with its error when the dialog ${what}`, async (t) => {
    const api = new Api();
    api.signedIn(ada);
    const { client } = await showSettled(t, <Who />);
    const { result } = await critical(api, () => client.fetch("/api/v1/critical", { method: "POST" }));
    await until(() => all("dialog[open]").length === 1);
    await end(client);
    await until(() => result() !== "waits");
    assert.equal(result(), "ApiError: Confirm that it is you, and try again.");
    assert.equal(all("dialog").length, 0);
    assert.equal(alerts(), "");
  });
}

test("a password that is confirmed after its dialog was cancelled leaves the dialog of the next call", async (t) => {
  const api = new Api();
  api.signedIn(ada);
  const { client } = await showSettled(t, <Who />);
  const call = (): Promise<unknown> => client.fetch("/api/v1/critical", { method: "POST" });
  const first = await critical(api, call);
  await until(() => all("dialog[open]").length === 1);
  const { answer, give } = later();
  api.on(`POST ${AUTH}/reauthenticate`, () => answer);
  await fillIn({ Password: "right" });
  await click("Confirm");
  await click("Cancel");
  await until(() => first.result() !== "waits");
  const second = await critical(api, call);
  await until(() => all("dialog[open]").length === 1);
  give(ok({ auth_time: "2026-01-01T00:00:00Z", amr: ["pwd"] }));
  await until(() => api.to(`POST ${AUTH}/reauthenticate`).length === 1);
  await act(() => new Promise((resolve) => setTimeout(resolve, 20)));
  assert.equal(all("dialog[open]").length, 1);
  await click("Cancel");
  await until(() => second.result() !== "waits");
});

test("a call fails with its error when the provider unmounts", async (t) => {
  const api = new Api();
  api.signedIn(ada);
  const { client, unmount } = await showSettled(t, <Who />);
  const { result } = await critical(api, () => client.fetch("/api/v1/critical", { method: "POST" }));
  await until(() => all("dialog[open]").length === 1);
  await unmount();
  await until(() => result() !== "waits");
  assert.match(result(), /ApiError/);
  const next = await critical(api, () => client.fetch("/api/v1/critical", { method: "POST" }));
  await until(() => next.result() !== "waits");
  assert.match(next.result(), /ApiError/, "nobody is there to be asked");
});

test("an application asks in its own dialog", async (t) => {
  function Mine({ error, onClose }: ReauthenticationProps) {
    return <button type="button" onClick={() => onClose(true)}>{error.code}</button>;
  }
  const api = new Api();
  api.signedIn(ada);
  const { client } = await showSettled(t, <Who />, { reauthentication: Mine });
  const { result } = await critical(api, () => client.fetch("/api/v1/critical", { method: "POST" }));
  await until(() => all("button").length === 1);
  api.on(CRITICAL, () => ok({}));
  await act(async () => button("reauthentication_required").click());
  await until(() => result() === "done");
});

test("an account without password and passkey signs in again", async (t) => {
  const api = new Api();
  api.signedIn({ ...ada, has_password: false });
  const { client } = await showSettled(t, <Who />);
  const { result } = await critical(api, () => client.fetch("/api/v1/critical", { method: "POST" }));
  await until(() => all("dialog[open]").length === 1);
  await click("Sign in again");
  await until(() => text() === "signed_out");
  await until(() => result() !== "waits");
});
