import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "./support/browser.js";
import { REFRESH, ask, openSignedIn, openTab, twin } from "./support/setup.js";
import { pass } from "./support/time.js";

const HOUR = 3600;
const LATE = 400; // milliseconds

for (const storage of ["cookie", "local"]) {
  test(`storage ${storage}: a refresh of a page that was left, and that comes late, signs nobody out`, async () => {
    const left = await openSignedIn({ storage });
    pass(HOUR);
    const processed = new Promise((done) => {
      twin.next(REFRESH, async ({ process, reply }) => {
        await new Promise((over) => setTimeout(over, LATE));
        reply(process());
        done();
      });
    });
    const call = ask(left).catch(() => null);
    left.close();
    for (let i = 0; i < 2; i++) {
      const page = openTab({ storage });
      assert.equal((await page.start()).status, "signed_in");
      page.close();
    }
    await Promise.all([processed, call]);
    assert.equal(twin.reuses, 0);
    assert.equal((await openTab({ storage }).start()).status, "signed_in");
  });
}

test("a refresh that was sent by a clock that was ahead is not waited for", async () => {
  await openSignedIn();
  localStorage.setItem("authapp.refresh_sent", String(Date.now() + HOUR * 1000));
  const page = openTab();
  void page.start();
  await until(() => page.state.status === "signed_in");
});
