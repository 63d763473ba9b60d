import assert from "node:assert/strict";
import test from "node:test";
import "./dom.js";
import { version } from "react";
import { version as domVersion } from "react-dom";

test("these tests run with the React that they are meant for", () => {
  assert.deepEqual([version, domVersion].map((one) => one.split(".")[0]), [process.env["REACT"], process.env["REACT"]]);
});
