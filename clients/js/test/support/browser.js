// A browser around the clients of a test: cookies for all tabs, localStorage, and locks where a test wants them.

const send = globalThis.fetch;
let cookies = new Map();

/** What was passed to fetch, the latest last. */
export let fetched = [];

globalThis.fetch = async (url, init = {}) => {
  fetched.push({ url: String(url), ...init });
  const headers = new Headers(init.headers);
  if (init.credentials === "include" && cookies.size) {
    headers.set("Cookie", [...cookies].map(([name, value]) => `${name}=${value}`).join("; "));
  }
  const response = await send(url, { ...init, headers });
  if (init.credentials === "include") response.headers.getSetCookie().forEach(keep);
  return response;
};

function keep(header) {
  const [, name, value] = header.match(/^([^=]+)=([^;]*)/);
  if (value) cookies.set(name, value);
  else cookies.delete(name);
}

class TextStorage {
  #items = new Map();
  getItem = (key) => this.#items.get(key) ?? null;
  setItem = (key, value) => void this.#items.set(key, String(value));
  removeItem = (key) => void this.#items.delete(key);
}

/** Another browser: nobody is signed in. */
export function openBrowser() {
  cookies = new Map();
  fetched = [];
  globalThis.localStorage = new TextStorage();
  setNavigator({});
}

export const cookie = () => cookies.get("authapp_refresh");

export const setNavigator = (navigator) =>
  Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });

/** Web Locks, as far as `ifAvailable` needs them. */
export function locks() {
  const held = new Set();
  return {
    held,
    async request(name, options, callback) {
      if (!options.ifAvailable) throw new Error("A client must not wait for a lock.");
      if (held.has(name)) return callback(null);
      held.add(name);
      try {
        return await callback({ name });
      } finally {
        held.delete(name);
      }
    },
  };
}

/** Wait until something is so. */
export async function until(isSo, what = String(isSo)) {
  const end = process.hrtime.bigint() + 20_000_000_000n;
  while (!isSo()) {
    if (process.hrtime.bigint() > end) throw new Error(`Waited in vain until ${what}`);
    await new Promise((done) => setTimeout(done, 5));
  }
}
