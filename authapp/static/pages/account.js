// The account page: signs in by the refresh cookie, then each section works for itself.
import { startDelete } from "./account-delete.js";
import { startExport } from "./account-export.js";
import { startHistory } from "./account-history.js";
import { showLinked, startIdentities } from "./account-identities.js";
import { startMfa } from "./account-mfa.js";
import { startPasskeys } from "./account-passkeys.js";
import { startPassword } from "./account-password.js";
import { startProfile } from "./account-profile.js";
import { startSessions } from "./account-sessions.js";
import { keepUser } from "./account-user.js";
import { refresh } from "./api.js";
import { leadToSignIn } from "./next.js";
import { fill, showPanel } from "./page.js";
import { Problem } from "./problem.js";
import { sentence } from "./text.js";

async function start() {
  const session = await refresh();
  if (!session) return leadToSignIn();
  keepUser(session.user);
  startProfile();
  startPassword();
  startExport();
  startDelete();
  await Promise.all([startMfa(), startPasskeys(), startIdentities(), startSessions(), startHistory()]);
  showPanel("account", { focus: false });
  if (location.hash) showSection(location.hash.slice(1));
  showLinked();
}

/** @param {string} id */
function showSection(id) {
  const section = document.getElementById(id);
  section?.scrollIntoView();
  section?.querySelector("h2")?.focus({ preventScroll: true });
}

try {
  await start();
} catch (problem) {
  if (!(problem instanceof Problem)) throw problem;
  fill("failure", sentence(problem));
  showPanel("failed");
}
