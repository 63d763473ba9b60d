import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";

const LARGEST = 5.5 * 1024; // bytes

test("the bundle, minified and compressed, is at most 5.5 KB", async () => {
  const entry = fileURLToPath(new URL("../dist/index.js", import.meta.url));
  const rolldownOptions = { input: entry, preserveEntrySignatures: "strict" }; // as a library it would keep its spaces
  const bundle = await build({ configFile: false, logLevel: "silent", build: { write: false, rolldownOptions } });
  const size = gzipSync(bundle.output[0].code).length;
  console.log(`${size} bytes`);
  assert.ok(size <= LARGEST, `${size} bytes`);
});
