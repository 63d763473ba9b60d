// Passkeys (WebAuthn Level 3): what the browser is asked. It takes one request at a time: a new one ends that before.
import { Problem } from "./problem.js";

const api = globalThis.PublicKeyCredential;

/** The request that waits for the person. */
let waiting = new AbortController();

/** Whether this browser has passkeys, and this address may use them: a domain, not an IP address. */
export function hasPasskeys() {
  const isDomain = !/^[\d.]+$|^\[/.test(location.hostname);
  return Boolean(isDomain && api?.parseRequestOptionsFromJSON && api.parseCreationOptionsFromJSON && api.prototype.toJSON);
}

/** End the request that waits, if one does, and begin another. */
export function beginRequest() {
  waiting.abort();
  waiting = new AbortController();
  return waiting;
}

/**
 * Let the person choose a passkey.
 * @param {any} options as the API gives them
 * @param {AbortController} request from `beginRequest`
 * @param {CredentialMediationRequirement} [mediation]
 * @returns {Promise<any>} the answer as the API takes it, null where the request was ended
 */
export async function choosePasskey(options, request, mediation) {
  const publicKey = api.parseRequestOptionsFromJSON(options);
  return answerOf(navigator.credentials.get({ publicKey, mediation, signal: request.signal }), "passkey_not_used");
}

/**
 * Make a passkey.
 * @param {any} options as the API gives them
 * @param {AbortController} request from `beginRequest`
 * @returns {Promise<any>} the answer as the API takes it, null where the request was ended
 */
export async function makePasskey(options, request) {
  const publicKey = api.parseCreationOptionsFromJSON(options);
  return answerOf(navigator.credentials.create({ publicKey, signal: request.signal }), "passkey_not_added");
}

/**
 * @param {Promise<any>} asked
 * @param {string} cancelled the code of the problem where the person has cancelled, or not answered in time
 */
async function answerOf(asked, cancelled) {
  try {
    return (await asked)?.toJSON() ?? null;
  } catch (error) {
    if (error.name === "AbortError") return null;
    const codes = { NotAllowedError: cancelled, InvalidStateError: "passkey_exists" };
    throw new Problem({ code: codes[error.name] ?? "passkey_failed", status: 0, detail: error.message });
  }
}

/**
 * Let the authenticator forget a passkey that no account has.
 * @param {any} options that it has answered
 * @param {any} passkey
 */
export async function forgetPasskey(options, passkey) {
  await api.signalUnknownCredential?.({ rpId: options.rpId, credentialId: passkey.id }).catch(() => null);
}

/**
 * Let the authenticators forget the passkeys that the account does not have.
 * @param {any} options with which it could add one: they list those that it has
 */
export async function keepOnly({ rp, user, excludeCredentials }) {
  const allAcceptedCredentialIds = excludeCredentials.map((/** @type {any} */ one) => one.id);
  await api.signalAllAcceptedCredentials?.({ rpId: rp.id, userId: user.id, allAcceptedCredentialIds }).catch(() => null);
}
