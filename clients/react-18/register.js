// node --import: every import of React is of the version of this folder.
import { register } from "node:module";

register("./resolve.js", import.meta.url);
