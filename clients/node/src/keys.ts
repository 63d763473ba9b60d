/** The public keys of authapp: found by discovery, kept, and fetched again when they are old or a key is unknown. */

import { importJWK } from "jose";
import { Unavailable, warn } from "./errors.js";
import { type Http, isObject } from "./http.js";

const LIFETIME = 300_000; // milliseconds, the max-age of authapp
const INTERVAL = 30_000; // between two fetches
const FIRST_INTERVAL = 1_000; // the same while there is no key at all
/** What authapp signs with, and the type of the key. HS256 and none are not among them. */
const ALGORITHMS = new Map([
  ["ES256", "EC"],
  ["RS256", "RSA"],
  ["EdDSA", "OKP"],
]);

export interface Key {
  algorithm: string;
  key: CryptoKey;
}

/** The key set of one authapp. */
export class Keys {
  #found: Map<string, Key> | undefined;
  #asked = -Infinity;
  #good = -Infinity;
  #fetching: Promise<void> | undefined;

  /** @param issuer what discovery has to name. */
  constructor(
    private readonly http: Http,
    readonly issuer: string,
  ) {}

  /** The key of this name, if there is one. Throws Unavailable where it is unknown, and authapp could not be asked. */
  async find(kid: string): Promise<Key | undefined> {
    // Whoever has an unknown key waits for a fetch that is under way. An old key is used meanwhile.
    if (!this.#found?.has(kid) || (this.#isOld() && !this.#fetching)) await this.#refresh();
    const key = this.#found?.get(kid);
    if (!key && this.#good < this.#asked) throw new Unavailable("the keys could not be fetched");
    return key;
  }

  #isOld(): boolean {
    return performance.now() - this.#good > LIFETIME;
  }

  /** Fetch the set, where that is due. The last good one stays while authapp is away. */
  async #refresh(): Promise<void> {
    const now = performance.now();
    const interval = this.#found ? INTERVAL : FIRST_INTERVAL;
    if (!this.#fetching && now - this.#asked >= interval) {
      this.#asked = now;
      this.#fetching = this.#fetch()
        .then(
          (found) => {
            this.#found = found;
            this.#good = now;
          },
          (error: Error) => warn(`The keys cannot be fetched: ${error.message}`),
        )
        .finally(() => (this.#fetching = undefined));
    }
    await this.#fetching;
  }

  async #fetch(): Promise<Map<string, Key>> {
    const { issuer, jwks_uri: address } = await this.#json(`${this.http.url}/.well-known/oauth-authorization-server`);
    if (issuer !== this.issuer || typeof address !== "string")
      throw new Unavailable(`discovery names the issuer ${String(issuer)}, and ${this.issuer} is expected`);
    this.http.requireHttps(address);
    const { keys: members } = await this.#json(address);
    const found = await Promise.all(Array.isArray(members) ? members.map(keyOf) : []);
    const keys = new Map(found.filter((each) => each !== undefined));
    if (!keys.size) throw new Unavailable("no keys are published: set ALGORITHM of authapp to ES256");
    return keys;
  }

  async #json(url: string): Promise<Record<string, unknown>> {
    const { status, body } = await this.http.get(url);
    if (status !== 200) throw new Unavailable(`${url} answers ${status}`);
    return body;
  }
}

/** A key by its name, if it is one that verifies access tokens. */
async function keyOf(member: unknown): Promise<[string, Key] | undefined> {
  if (!isObject(member)) return undefined;
  const { kid, alg, kty, use = "sig" } = member;
  if (typeof kid !== "string" || typeof alg !== "string" || ALGORITHMS.get(alg) !== kty || use !== "sig") return undefined;
  const key = await importJWK(member, alg).catch(() => undefined);
  return key && "type" in key && key.type === "public" ? [kid, { algorithm: alg, key }] : undefined;
}
