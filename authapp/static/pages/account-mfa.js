// The second factor: set up, turn off, and its recovery codes.
import { callAccount } from "./account-call.js";
import { beside, factor, fold, onSave } from "./account-forms.js";
import { showCodes } from "./account-recovery-codes.js";
import { keepUser, user } from "./account-user.js";
import { text } from "./text.js";

const section = document.querySelector("#mfa");
const $ = (/** @type {string} */ selector) => section.querySelector(selector);
const status = $("#mfa-done");
const BESIDE_CODE = beside({ wrong_code: ["code"] });

/** @param {string} name */
function showStep(name) {
  for (const step of section.querySelectorAll("[data-step]")) step.hidden = step.dataset.step !== name;
}

async function showState() {
  const state = await callAccount("GET", "/auth/mfa");
  keepUser({ ...user(), mfa_enabled: state.totp_enabled });
  $("[data-codes-left]").textContent = text("codes_left", { count: state.recovery_codes_left });
  showStep(state.totp_enabled ? "on" : "off");
}

async function setUp() {
  const enrolment = await callAccount("POST", "/auth/mfa/totp");
  $("[data-qr]").src = `data:image/svg+xml,${encodeURIComponent(enrolment.qr_svg)}`;
  $("[data-secret]").textContent = enrolment.secret.replace(/(.{4})(?=.)/g, "$1 ");
  $("[data-otpauth]").href = enrolment.otpauth_uri;
  showStep("set-up");
  $("[data-step=set-up] h3").focus();
  return "";
}

/** Forget the secret that was shown. */
function clearSecret() {
  $("[data-qr]").removeAttribute("src");
  $("[data-secret]").textContent = "";
  $("[data-otpauth]").href = "#mfa";
  $("[data-confirm]").reset();
}

/** @param {Record<string, string>} values */
async function confirm({ code }) {
  const { recovery_codes } = await callAccount("POST", "/auth/mfa/totp/confirm", factor(code)).catch(BESIDE_CODE);
  keepUser({ ...user(), mfa_enabled: true });
  clearSecret();
  show(recovery_codes);
  document.dispatchEvent(new Event("sessions-ended"));
  return text("mfa_turned_on");
}

/** @param {string[]} codes */
function show(codes) {
  showStep("codes");
  showCodes($("[data-step=codes]"), codes, async () => {
    await showState();
    status.textContent = "";
    $("h2").focus();
  });
}

/** @param {Record<string, string>} values */
async function renew({ code }) {
  const { recovery_codes } = await callAccount("POST", "/auth/mfa/recovery-codes", { code }).catch(BESIDE_CODE);
  fold($("[data-renew]"));
  show(recovery_codes);
  return text("codes_renewed");
}

/** @param {Record<string, string>} values */
async function turnOff({ code }) {
  const places = { wrong_code: ["code"], validation_failed: ["code"] };
  await callAccount("DELETE", "/auth/mfa/totp", factor(code)).catch(beside(places));
  fold($("[data-turn-off]"));
  await showState();
  $("h2").focus();
  return text("mfa_turned_off");
}

export async function startMfa() {
  onSave($("form[data-step=off]"), setUp, status);
  onSave($("[data-confirm]"), confirm, status);
  onSave($("[data-renew]"), renew, status);
  onSave($("[data-turn-off]"), turnOff, status);
  $("[data-cancel]").addEventListener("click", () => {
    clearSecret();
    showStep("off");
    $("form[data-step=off] button").focus();
  });
  $("[data-copy=secret]").addEventListener("click", async () => {
    await navigator.clipboard.writeText($("[data-secret]").textContent.replace(/ /g, ""));
    status.textContent = text("copied");
  });
  await showState();
}
