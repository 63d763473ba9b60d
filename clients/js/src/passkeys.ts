// WebAuthn Level 3: what the browser is asked. It takes one request at a time: a new one ends that before.
import { ApiError } from "./errors.js";

let waiting = new AbortController();

function api() {
  return globalThis.PublicKeyCredential as typeof PublicKeyCredential | undefined;
}

/** Whether this browser has passkeys, and this address may use them: a domain, not an IP address. */
export function isSupported(): boolean {
  const isDomain = !/^[\d.]+$|^\[/.test(globalThis.location?.hostname ?? "");
  return isDomain && Boolean(api()?.parseRequestOptionsFromJSON);
}

/** Let the person choose a passkey. The options are as the API gives them, and the answer as it takes it. */
export const choosePasskey = (options: unknown) =>
  answerOf((passkeys, signal) => {
    const publicKey = passkeys.parseRequestOptionsFromJSON(options as PublicKeyCredentialRequestOptionsJSON);
    return navigator.credentials.get({ publicKey, signal });
  });

export const makePasskey = (options: unknown) =>
  answerOf((passkeys, signal) => {
    const publicKey = passkeys.parseCreationOptionsFromJSON(options as PublicKeyCredentialCreationOptionsJSON);
    return navigator.credentials.create({ publicKey, signal });
  });

type Ask = (passkeys: typeof PublicKeyCredential, signal: AbortSignal) => Promise<Credential | null>;

async function answerOf(ask: Ask): Promise<Record<string, unknown>> {
  waiting.abort();
  waiting = new AbortController();
  const passkeys = api();
  if (!passkeys || !isSupported()) throw new ApiError("passkey_failed", "Passkeys cannot be used here.");
  try {
    const credential = (await ask(passkeys, waiting.signal)) as PublicKeyCredential;
    return credential.toJSON() as Record<string, unknown>;
  } catch (error) {
    const { name, message } = error as Error;
    const isCancelled = name === "NotAllowedError" || name === "AbortError";
    throw new ApiError(isCancelled ? "passkey_cancelled" : "passkey_failed", message);
  }
}
