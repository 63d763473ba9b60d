import { alerts, all, button, click, errorOf, field, fillIn, showSettled, statuses, text, until } from "./screen.js";
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import type { User } from "@authapp/client";
import { ForgotPasswordForm, MfaForm, PasskeyButton, RegisterForm, SignInForm } from "@authapp/react";
import { act, useState, type ReactElement } from "react";
import { ada, Api, AUTH, later, ok, organization, problem, session, type Answer } from "./api.js";

const LOGIN = `POST ${AUTH}/login`;
const MFA = `POST ${AUTH}/login/mfa`;
const REGISTER = `POST ${AUTH}/register`;
const FORGOT = `POST ${AUTH}/password/forgot`;
const CREDENTIALS = { Email: "ada@example.com", Password: "SecurePassword123" };
const WRONG = problem(401, "wrong_credentials", "The email or the password is wrong.");
const mfaRequired = (methods = ["totp", "recovery_code"]): Answer =>
  problem(401, "mfa_required", "A second factor is needed.", { mfa_token: "mt", methods, expires_in: 300 });

/** What `onSuccess` was called with. */
function successes(): { users: string[]; onSuccess: (user: User) => void } {
  const users: string[] = [];
  return { users, onSuccess: (user) => void users.push(user.email) };
}

const focused = (): string | null | undefined => document.activeElement?.getAttribute("name") ?? document.activeElement?.getAttribute("role");

test("SignInForm signs in and tells who", async (t) => {
  const api = new Api();
  api.on(LOGIN, () => session());
  api.account(ada);
  const { users, onSuccess } = successes();
  const { client } = await showSettled(t, <SignInForm onSuccess={onSuccess} />);
  await fillIn(CREDENTIALS);
  await click("Sign in");
  await until(() => users.length);
  assert.deepEqual(users, [ada.email]);
  assert.equal(client.state.status, "signed_in");
  assert.deepEqual(api.to(LOGIN)[0]?.body, { email: "ada@example.com", password: "SecurePassword123" });
});

test("a form is sent once, and says that it is busy", async (t) => {
  const { answer, give } = later();
  const api = new Api();
  api.on(LOGIN, () => answer);
  await showSettled(t, <SignInForm />);
  await fillIn(CREDENTIALS);
  await click("Sign in");
  await click("One moment …");
  await act(async () => document.querySelector("form")?.requestSubmit());
  assert.equal(document.querySelector("form")?.getAttribute("aria-busy"), "true");
  assert.equal(button("One moment …").getAttribute("aria-disabled"), "true");
  assert.equal(button("One moment …").disabled, false, "it keeps the focus");
  give(WRONG);
  await until(alerts);
  assert.equal(api.to(LOGIN).length, 1);
  assert.equal(button("Sign in").getAttribute("aria-disabled"), "false");
});

test("a form without what it needs is not sent, and the first such field has the focus", async (t) => {
  const api = new Api();
  await showSettled(t, <SignInForm />);
  await fillIn({ Email: "  " });
  await click("Sign in");
  assert.deepEqual([errorOf("Email"), errorOf("Password")], ["Fill this in.", "Fill this in."]);
  assert.equal(alerts(), "");
  assert.equal(focused(), "email");
  assert.equal(api.to(LOGIN).length, 0);
});

interface Refused {
  form: ReactElement;
  route: string;
  button: string;
  values: Record<string, string>;
}

const FORMS: Record<string, Refused> = {
  SignInForm: { form: <SignInForm />, route: LOGIN, button: "Sign in", values: CREDENTIALS },
  RegisterForm: { form: <RegisterForm />, route: REGISTER, button: "Create account", values: CREDENTIALS },
  ForgotPasswordForm: { form: <ForgotPasswordForm />, route: FORGOT, button: "Send the link", values: { Email: "ada@example.com" } },
};

const invalid = (errors: Record<string, string[]>): Answer =>
  problem(422, "validation_failed", "Some fields are invalid; see errors.", { errors: { json: errors } });

interface Shown {
  alert?: string;
  email?: string;
  focus: string;
}

const ERRORS: [string, () => Answer, Shown][] = [
  ["401", () => WRONG, { alert: "The email or the password is wrong.", focus: "alert" }],
  ["422 of a field", () => invalid({ email: ["Not a valid email address.", "Too long."] }), { email: "Not a valid email address. Too long.", focus: "email" }],
  ["422 of no field of the form", () => invalid({ other: ["Unknown field."] }), { alert: "Some fields are invalid; see errors.", focus: "alert" }],
  ["422 of both", () => invalid({ email: ["Wrong."], other: ["Wrong."] }), { alert: "Some fields are invalid; see errors.", email: "Wrong.", focus: "email" }],
  ["429", () => problem(429, "rate_limited", "Too many requests.", {}, { "Retry-After": "841" }), { alert: "Too many requests. Try again in 15 minutes.", focus: "alert" }],
  ["503", () => problem(503, "hash_queue_full", "Too many people are signing in.", {}, { "Retry-After": "5" }), { alert: "Too many people are signing in. Try again in 5 seconds.", focus: "alert" }],
  ["no answer", () => { throw new TypeError("fetch failed"); }, { alert: "The service cannot be reached. Check your connection, and try again.", focus: "alert" }],
];

for (const [name, { form, route, button: label, values }] of Object.entries(FORMS)) {
  for (const [what, answer, { alert = "", email = "", focus }] of ERRORS) {
    test(`${name} shows the error of the API and moves the focus to it: ${what}`, async (t) => {
      const api = new Api();
      api.on(route, answer);
      await showSettled(t, form);
      await fillIn(values);
      await click(label);
      await until(() => alerts() || errorOf("Email"));
      assert.deepEqual({ alert: alerts(), email: errorOf("Email"), focus: focused() }, { alert, email, focus });
      assert.equal(field("Email").value, values["Email"], "what was typed stays");
      api.on(route, () => new Promise(() => undefined));
      await click(label);
      assert.deepEqual([alerts(), errorOf("Email")], ["", ""], "it is gone when the form is sent again");
    });
  }
}

const AUTOCOMPLETE: [string, ReactElement, Record<string, string>][] = [
  ["SignInForm", <SignInForm />, { Email: "username webauthn", Password: "current-password" }],
  ["RegisterForm", <RegisterForm organization="required" />, {
    Email: "username", Password: "new-password", "First name (optional)": "given-name", "Last name (optional)": "family-name", Organization: "organization",
  }],
  ["ForgotPasswordForm", <ForgotPasswordForm />, { Email: "username" }],
];

for (const [name, form, expected] of AUTOCOMPLETE) {
  test(`password managers know the fields of ${name}`, async (t) => {
    new Api();
    await showSettled(t, form);
    assert.equal(all("input").length, Object.keys(expected).length);
    for (const [label, value] of Object.entries(expected)) assert.equal(field(label).getAttribute("autocomplete"), value);
  });
}

test("a password is shown on demand, until the form is sent", async (t) => {
  new Api().on(LOGIN, () => new Promise(() => undefined));
  await showSettled(t, <SignInForm />);
  await click("Show password");
  assert.equal(field("Password").type, "text");
  assert.equal(button("Show password").getAttribute("aria-pressed"), "true");
  await fillIn(CREDENTIALS);
  await click("Sign in");
  assert.equal(field("Password").type, "password");
});

test("SignInForm gives the email to who has forgotten the password", async (t) => {
  new Api();
  const emails: string[] = [];
  await showSettled(t, <SignInForm onForgotPassword={(email) => emails.push(email)} />);
  await fillIn({ Email: " ada@example.com " });
  await click("Forgot your password?");
  assert.deepEqual(emails, ["ada@example.com"]);
});

test("SignInForm has no button for a forgotten password where the application has no page for it", async (t) => {
  new Api();
  await showSettled(t, <SignInForm />);
  assert.doesNotMatch(text(), /Forgot/);
});

/** Until the form for the second factor is there. */
async function showMfa(t: TestContext, api: Api, { methods, onSuccess }: { methods?: string[]; onSuccess?: (user: User) => void } = {}): Promise<void> {
  api.on(LOGIN, () => mfaRequired(methods));
  api.account(ada);
  await showSettled(t, <SignInForm onSuccess={onSuccess} />);
  await fillIn(CREDENTIALS);
  await click("Sign in");
  await until(() => all("[name=code]").length);
}

test("SignInForm asks for the code of an account with a second factor", async (t) => {
  const api = new Api();
  const { users, onSuccess } = successes();
  await showMfa(t, api, { onSuccess });
  assert.equal(focused(), "code");
  assert.equal(field("Code").getAttribute("autocomplete"), "one-time-code");
  assert.equal(field("Code").getAttribute("inputmode"), "numeric");
  api.on(MFA, () => session());
  await fillIn({ Code: "123 456" });
  await click("Continue");
  await until(() => users.length);
  assert.deepEqual(api.to(MFA).map(({ body }) => body), [{ mfa_token: "mt", code: "123456" }]);
});

test("a recovery code is taken in place of the code, and one may change one's mind", async (t) => {
  const api = new Api();
  const { users, onSuccess } = successes();
  await showMfa(t, api, { onSuccess });
  await click("Use a recovery code");
  assert.equal(focused(), "recovery_code");
  await click("Use the authenticator app");
  assert.equal(focused(), "code");
  await click("Use a recovery code");
  api.on(MFA, () => session());
  await fillIn({ "Recovery code": " ABCD-EFGH " });
  await click("Continue");
  await until(() => users.length);
  assert.deepEqual(api.to(MFA).map(({ body }) => body), [{ mfa_token: "mt", recovery_code: "ABCD-EFGH" }]);
});

for (const [label, way, left] of [["Code", null, ""], ["Recovery code", "Use a recovery code", "111111"]] as const) {
  test(`a wrong code is said beside its field: ${label}`, async (t) => {
    const api = new Api();
    api.on(MFA, () => problem(401, "wrong_code", "This code is wrong or was used."));
    await showMfa(t, api);
    if (way) await click(way);
    await fillIn({ [label]: "111111" });
    await click("Continue");
    await until(() => errorOf(label));
    assert.equal(errorOf(label), "This code is wrong or was used.");
    assert.equal(document.activeElement, field(label));
    assert.equal(field(label).value, left, "the next code is another one, a recovery code is corrected");
    assert.equal(alerts(), "");
  });
}

for (const code of ["invalid_mfa_token", "too_many_attempts"]) {
  test(`a sign-in that waited too long begins again, and says why each time: ${code}`, async (t) => {
    const api = new Api();
    await showMfa(t, api);
    for (const detail of ["That took too long.", "That took too long again."]) {
      api.on(MFA, () => problem(401, code, detail));
      await fillIn({ Code: "111111" });
      await click("Continue");
      await until(alerts);
      assert.equal(alerts(), detail);
      assert.equal(focused(), "alert");
      assert.equal(field("Email").value, "ada@example.com");
      assert.equal(field("Password").value, "");
      await fillIn(CREDENTIALS);
      await click("Sign in");
      await until(() => all("[name=code]").length);
    }
  });
}

test("a person starts again from the second factor", async (t) => {
  const { client } = await (async () => {
    const api = new Api();
    api.on(LOGIN, () => mfaRequired());
    return showSettled(t, <SignInForm />);
  })();
  await fillIn(CREDENTIALS);
  await click("Sign in");
  await until(() => all("[name=code]").length);
  await click("Start again");
  assert.equal(client.state.status, "signed_out");
  assert.equal(focused(), "email");
  assert.equal(alerts(), "");
});

test("MfaForm is nothing while no second factor is asked for", async (t) => {
  new Api();
  await showSettled(t, <MfaForm />);
  assert.equal(text(), "");
});

test("RegisterForm sends what was filled in and signs in", async (t) => {
  const api = new Api();
  const acme = organization("acme", "admin");
  api.on(REGISTER, () => ({ ...session(ada, acme), status: 201 }));
  api.account(ada, [acme]);
  const { users, onSuccess } = successes();
  const { client } = await showSettled(t, <RegisterForm onSuccess={onSuccess} />);
  await fillIn({ ...CREDENTIALS, "First name (optional)": "Ada", "Organization (optional)": "acme" });
  await click("Create account");
  await until(() => users.length);
  assert.deepEqual(api.to(REGISTER)[0]?.body, {
    email: "ada@example.com", password: "SecurePassword123", first_name: "Ada", organization_name: "acme",
  });
  assert.equal(client.state.organization?.name, "acme");
});

test("RegisterForm joins with the token of an invitation and founds no organization", async (t) => {
  const api = new Api();
  api.on(REGISTER, () => ({ ...session(), status: 201 }));
  api.account(ada);
  const { users, onSuccess } = successes();
  await showSettled(t, <RegisterForm invitationToken="it_1" onSuccess={onSuccess} />);
  assert.doesNotMatch(text(), /Organization/);
  await fillIn(CREDENTIALS);
  await click("Join");
  await until(() => users.length);
  assert.equal(api.to(REGISTER)[0]?.body["invitation_token"], "it_1");
});

test("RegisterForm asks for the organization as the application says", async (t) => {
  const api = new Api();
  await showSettled(t, <RegisterForm organization="none" />);
  assert.doesNotMatch(text(), /Organization/);
  await showSettled(t, <RegisterForm organization="required" />);
  await fillIn(CREDENTIALS);
  await click("Create account");
  assert.equal(errorOf("Organization"), "Fill this in.");
  assert.equal(focused(), "organization_name");
  assert.equal(api.to(REGISTER).length, 0);
});

test("RegisterForm says to look into the mailbox where the API tells nobody who has an account", async (t) => {
  const api = new Api();
  api.on(REGISTER, () => ({ status: 202, body: {} }));
  const { users, onSuccess } = successes();
  await showSettled(t, <RegisterForm onSuccess={onSuccess} />);
  await fillIn(CREDENTIALS);
  await click("Create account");
  await until(() => all("form").length === 0);
  assert.match(statuses(), /Look into your mailbox/);
  assert.equal(focused(), "status");
  assert.deepEqual(users, []);
});

test("RegisterForm says the same where somebody else is signed in, and takes them for nobody's success", async (t) => {
  const api = new Api();
  api.signedIn({ ...ada, email: "grace@example.com" });
  api.on(REGISTER, () => ({ status: 202, body: {} }));
  const { users, onSuccess } = successes();
  await showSettled(t, <RegisterForm onSuccess={onSuccess} />);
  await fillIn(CREDENTIALS);
  await click("Create account");
  await until(() => all("form").length === 0);
  assert.match(statuses(), /Look into your mailbox/);
  assert.deepEqual(users, []);
});

/** An application that leads from one form to the other. */
function Pages() {
  const [{ page, email }, show] = useState({ page: "sign-in", email: "" });
  const signIn = (): void => show({ page: "sign-in", email: "" });
  if (page === "register") return <RegisterForm email={email} onSignIn={signIn} />;
  if (page === "forgot") return <ForgotPasswordForm email={email} onSignIn={signIn} />;
  return <SignInForm onRegister={(email) => show({ page: "register", email })} onForgotPassword={(email) => show({ page: "forgot", email })} />;
}

for (const link of ["Create an account", "Forgot your password?"]) {
  test(`a person goes to "${link}" and back, with the email and the focus`, async (t) => {
    new Api();
    await showSettled(t, <Pages />);
    await fillIn({ Email: " ada@example.com " });
    button(link).focus();
    await click(link);
    assert.equal(field("Email").value, "ada@example.com");
    await until(() => focused() === "email");
    button("Back to sign-in").focus();
    await click("Back to sign-in");
    assert.equal(button(link).textContent, link);
    await until(() => focused() === "email");
  });
}

test("a form whose email is sent still leads back", async (t) => {
  new Api().on(FORGOT, () => ({ status: 202, body: {} }));
  await showSettled(t, <Pages />);
  await click("Forgot your password?");
  await fillIn({ Email: "ada@example.com" });
  await click("Send the link");
  await until(() => all("form").length === 0);
  await click("Back to sign-in");
  assert.equal(field("Password").value, "");
});

test("below the second factor there are only its own links", async (t) => {
  new Api().on(LOGIN, () => mfaRequired());
  await showSettled(t, <Pages />);
  await fillIn(CREDENTIALS);
  await click("Sign in");
  await until(() => all("[name=code]").length);
  assert.deepEqual(all(".authapp-link").map(({ textContent }) => textContent), ["Use a recovery code", "Start again"]);
});

test("ForgotPasswordForm says the same for every address", async (t) => {
  const api = new Api();
  api.on(FORGOT, () => ({ status: 202, body: {} }));
  await showSettled(t, <ForgotPasswordForm email="ada@example.com" />);
  await click("Send the link");
  await until(() => all("form").length === 0);
  assert.match(statuses(), /If there is an account with this address/);
  assert.deepEqual(api.to(FORGOT).map(({ body }) => body), [{ email: "ada@example.com" }]);
});

/** A browser with passkeys, in which the person does this. */
function withPasskeys(t: TestContext, choose: () => Promise<unknown>): void {
  const globals: Record<string, unknown> = {
    PublicKeyCredential: { parseRequestOptionsFromJSON: (options: unknown) => options, parseCreationOptionsFromJSON: (options: unknown) => options },
  };
  for (const [name, value] of Object.entries(globals)) Object.defineProperty(globalThis, name, { value, configurable: true });
  Object.defineProperty(navigator, "credentials", { value: { get: choose }, configurable: true });
  t.after(() => {
    Reflect.deleteProperty(globalThis, "PublicKeyCredential");
    Reflect.deleteProperty(navigator, "credentials");
  });
}

const passkey = { toJSON: () => ({ id: "p" }) };
const cancelled = (): Promise<never> => Promise.reject(Object.assign(new Error("Not allowed."), { name: "NotAllowedError" }));

test("PasskeyButton signs in with a passkey", async (t) => {
  withPasskeys(t, () => Promise.resolve(passkey));
  const api = new Api();
  api.on(`POST ${AUTH}/login/passkey/options`, () => ok({ challenge_id: "c", options: {} }));
  api.on(`POST ${AUTH}/login/passkey`, () => session());
  api.account(ada);
  const { users, onSuccess } = successes();
  await showSettled(t, <PasskeyButton onSuccess={onSuccess} />);
  await click("Sign in with a passkey");
  await until(() => users.length);
  assert.deepEqual(api.to(`POST ${AUTH}/login/passkey`)[0]?.body, { challenge_id: "c", passkey: { id: "p" } });
});

test("a passkey that was not chosen is no error and leaves the focus", async (t) => {
  withPasskeys(t, cancelled);
  new Api().on(`POST ${AUTH}/login/passkey/options`, () => ok({ challenge_id: "c", options: {} }));
  await showSettled(t, <SignInForm />);
  button("Sign in with a passkey").focus();
  await click("Sign in with a passkey");
  await until(() => statuses());
  assert.equal(statuses(), "No passkey was used.");
  assert.equal(alerts(), "");
  assert.equal(document.activeElement, button("Sign in with a passkey"));
});

test("a browser without passkeys has no button for them", async (t) => {
  new Api();
  await showSettled(t, <><SignInForm /><PasskeyButton /></>);
  assert.doesNotMatch(text(), /passkey/);
});

test("a passkey is the second factor of an account that has one", async (t) => {
  withPasskeys(t, () => Promise.resolve(passkey));
  const api = new Api();
  api.on(`POST ${AUTH}/login/mfa/passkey`, () => ok({}));
  const { users, onSuccess } = successes();
  await showMfa(t, api, { methods: ["totp", "passkey"], onSuccess });
  api.on(MFA, () => session());
  await click("Use a passkey");
  await until(() => users.length);
  assert.deepEqual(api.to(MFA)[0]?.body, { mfa_token: "mt", passkey: { id: "p" } });
});

test("no passkey is asked for as the second factor of an account that has none", async (t) => {
  withPasskeys(t, cancelled);
  await showMfa(t, new Api());
  assert.doesNotMatch(text(), /passkey/);
});
