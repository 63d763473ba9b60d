// Writes the examples of README.md into one module, which tsc compiles.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";

const folder = new URL("../../", import.meta.url);
const examples = readFileSync(new URL("README.md", folder), "utf8").matchAll(/^```ts\n(.*?)^```/gms);
mkdirSync(new URL("build/", folder), { recursive: true });
writeFileSync(new URL("build/readme.ts", folder), [...examples].map(([, code]) => code).join("\n"));
