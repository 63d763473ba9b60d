import { all, click, render, text, until } from "./screen.js";
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import test from "node:test";
import { ada, Api, ok, organization } from "./api.js";
import { App } from "./app.js";

const read = (path: string): Promise<string> => readFile(new URL(`../../${path}`, import.meta.url), "utf8");

test("the application of the README compiles and runs", async (t) => {
  assert.ok((await read("README.md")).includes(await read("test/app.tsx")), "README.md has test/app.tsx");
  const api = new Api();
  api.signedIn(ada, [organization("acme", "admin")]);
  api.on("GET /api/v1/organizations/o-acme/members", () => ok({ items: [], next_cursor: null }));
  await render(t, <App />);
  await until(() => text().includes(ada.email));
  assert.match(text(), /Settings of acme/);
  assert.equal(document.activeElement?.tagName, "MAIN");
  await click("Sign out");
  await until(() => all("[autocomplete=current-password]").length);
});

test("the README names everything that the package exports", async () => {
  const exported = [...(await read("src/index.ts")).matchAll(/^export \{ (.*) \}/gm)].flatMap(([, names]) => (names ?? "").split(", "));
  const values = exported.filter((name) => !name.startsWith("type "));
  assert.ok(values.length > 10);
  const readme = await read("README.md");
  for (const name of values) assert.ok(readme.includes(`\`<${name}`) || readme.includes(`\`${name}`), name);
});

test("the optional styles know each class name of the components, and load nothing", async () => {
  const css = await read("styles.css");
  assert.doesNotMatch(css, /@import|url\(/);
  const files = (await readdir(new URL("../../src/", import.meta.url))).filter((name) => name.endsWith(".tsx"));
  const names = new Set<string>();
  for (const file of files) for (const [name] of (await read(`src/${file}`)).matchAll(/authapp-[a-z]+(-[a-z]+)*/g)) names.add(name);
  assert.ok(names.size > 20);
  assert.deepEqual([...names].filter((name) => !css.includes(`.${name}`)), ["authapp-cancel"], "which is for the focus");
});
