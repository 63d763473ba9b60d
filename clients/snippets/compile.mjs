// Compile the Svelte components that are named. An error ends with exit code 1.
import { readFileSync } from "node:fs";
import { compile } from "svelte/compiler";

for (const name of process.argv.slice(2)) compile(readFileSync(name, "utf8"), { filename: name });
