import assert from "node:assert/strict";
import { test } from "node:test";
import { ADA, GRACE, ask, openSignedIn, twin } from "./support/setup.js";

const POST = { method: "POST" };
const guarded = (client) => ask(client, "/api/v1/guarded", POST);

test("calls at the same time share one dialog, and each is repeated once", async () => {
  const client = await openSignedIn();
  const asked = [];
  client.onReauthenticationRequired(async (error) => {
    asked.push(error.code);
    await client.reauthenticate({ password: ADA.password });
    return true;
  });
  assert.deepEqual(await Promise.all([guarded(client), guarded(client)]), [{ guarded: true }, { guarded: true }]);
  assert.deepEqual(asked, ["reauthentication_required"]);
  assert.equal(twin.count("/api/v1/guarded"), 4);
});

test("a call that is answered after the dialog has closed opens no other one", async () => {
  const client = await openSignedIn();
  let dialogs = 0;
  client.onReauthenticationRequired(async () => {
    dialogs++;
    await client.reauthenticate({ password: ADA.password });
    return true;
  });
  let release;
  const released = new Promise((done) => (release = done));
  twin.next("/api/v1/guarded", async ({ process, reply }) => {
    const answer = process();
    await released;
    reply(answer);
  });
  const late = guarded(client);
  await guarded(client);
  release();
  assert.deepEqual(await late, { guarded: true });
  assert.equal(dialogs, 1);
});

for (const [name, answer] of [
  ["is closed", async () => false],
  ["says true without a reauthentication", async () => true],
]) {
  test(`a call whose dialog ${name} throws its error`, async () => {
    const client = await openSignedIn();
    let dialogs = 0;
    client.onReauthenticationRequired((error) => (dialogs++, answer(error)));
    await assert.rejects(guarded(client), { code: "reauthentication_required" });
    assert.equal(dialogs, 1);
  });
}

test("a call without a dialog throws its error", async () => {
  const client = await openSignedIn();
  await assert.rejects(guarded(client), { code: "reauthentication_required" });
  const stop = client.onReauthenticationRequired(async () => assert.fail("not registered any more"));
  stop();
  await assert.rejects(guarded(client), { code: "reauthentication_required" });
});

test("the dialog that was registered last is asked, and the one before when it is gone", async () => {
  const client = await openSignedIn();
  const asked = [];
  client.onReauthenticationRequired(async () => (asked.push("first"), false));
  const stop = client.onReauthenticationRequired(async () => (asked.push("second"), false));
  await assert.rejects(guarded(client), { code: "reauthentication_required" });
  stop();
  await assert.rejects(guarded(client), { code: "reauthentication_required" });
  assert.deepEqual(asked, ["second", "first"]);
});

test("a dialog that fails is the error of the call, and the next one is asked again", async () => {
  const client = await openSignedIn();
  let dialogs = 0;
  client.onReauthenticationRequired(async () => {
    dialogs++;
    throw new Error("The dialog cannot be shown.");
  });
  await assert.rejects(guarded(client), { message: "The dialog cannot be shown." });
  await assert.rejects(guarded(client), { message: "The dialog cannot be shown." });
  assert.equal(dialogs, 2);
});

test("a wrong password is an error of reauthenticate", async () => {
  const client = await openSignedIn();
  await assert.rejects(client.reauthenticate({ password: "wrong" }), { code: "wrong_credentials" });
  assert.equal(client.state.status, "signed_in");
});

test("a call is not repeated as another account", async () => {
  const client = await openSignedIn();
  client.onReauthenticationRequired(async () => {
    await client.signIn(GRACE);
    await client.reauthenticate({ password: GRACE.password });
    return true;
  });
  await assert.rejects(guarded(client), { code: "missing_token" });
  assert.equal(twin.count("/api/v1/guarded"), 1);
});
