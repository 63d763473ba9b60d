// Who may open the operator's console: others are told why not, and nothing is read for them.
import { openConsole } from "./console.js";

/** @type {Record<string, string>} the panel to show, by the code of a problem */
const PANELS = {
  operator_only: "no-operator",
  user_not_found: "unknown",
  organization_not_found: "unknown",
  validation_failed: "unknown",
};

/**
 * Open a page of the operator's console.
 * @param {() => Promise<void>} start reads what the page is about from a route of the operator before anything else
 */
export function openForOperators(start) {
  return openConsole(async () => {
    try {
      await start();
    } catch (problem) {
      if (!PANELS[problem.code]) throw problem;
      return PANELS[problem.code];
    }
  });
}

/** The last part of the address: the id of what the page is about. */
export function idOfAddress() {
  return location.pathname.split("/")[3]; // still encoded, as a path of the API takes it
}
