// What each test has: a browser where nobody is signed in, authapp, and an account.
import { afterEach, beforeEach } from "node:test";
import { createClient } from "../../dist/index.js";
import { openBrowser } from "./browser.js";
import { resetClock } from "./time.js";
import { PASSWORD, Twin } from "./twin.js";

export const ADA = { email: "ada@example.com", password: PASSWORD };
export const GRACE = { email: "grace@example.com", password: PASSWORD };
export const REFRESH = "/api/v1/auth/refresh";
export const LOGOUT = "/api/v1/auth/logout";

export let twin;
let clients = [];

/** A tab of the browser with a client. */
export function openTab(options) {
  const client = createClient({ url: twin.url, ...options });
  clients.push(client);
  return client;
}

/** The same, where Ada is signed in. */
export async function openSignedIn(options) {
  const client = openTab(options);
  await client.signIn(ADA);
  return client;
}

/** Who the API takes the client for. */
export const ask = async (client, path = "/api/v1/x", init = {}) => (await client.fetch(path, init)).json();

/** A moment in which what should not happen would happen. */
export const aMoment = () => new Promise((done) => setTimeout(done, 50));

/** How a refresh is answered that has to wait for `release`, after it was processed. */
export function held() {
  let release;
  const released = new Promise((done) => (release = done));
  let arrive;
  const arrived = new Promise((done) => (arrive = done));
  const how = async ({ process, reply }) => {
    const answer = process();
    arrive();
    await released;
    reply(answer);
  };
  return { how, arrived, release };
}

beforeEach(async () => {
  resetClock();
  openBrowser();
  twin = await Twin.start();
  twin.add(ADA.email);
  twin.add(GRACE.email);
});

afterEach(async () => {
  clients.splice(0).forEach((client) => client.close());
  await twin.stop();
});
