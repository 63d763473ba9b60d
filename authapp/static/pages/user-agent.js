// What a User-Agent header says of a browser, in words. The first that fits: others name themselves as more than one.
import { text } from "./text.js";

/** @type {[string, RegExp][]} */
const BROWSERS = [
  ["Edge", /Edg(e|A|iOS)?\//],
  ["Opera", /OPR\//],
  ["Samsung Internet", /SamsungBrowser\//],
  ["Firefox", /Firefox\/|FxiOS\//],
  ["Chrome", /Chrom(e|ium)\/|CriOS\//],
  ["Safari", /Safari\//],
];
/** @type {[string, RegExp][]} */
const SYSTEMS = [
  ["Windows", /Windows/],
  ["Android", /Android/],
  ["iPhone", /iPhone/],
  ["iPad", /iPad/],
  ["macOS", /Mac OS X/],
  ["ChromeOS", /CrOS/],
  ["Linux", /Linux/],
];

/** @param {string | null} userAgent */
export function deviceName(userAgent) {
  if (!userAgent) return text("unknown_device");
  const browser = nameIn(BROWSERS, userAgent);
  const system = nameIn(SYSTEMS, userAgent);
  if (browser && system) return text("browser_on", { browser, system });
  return browser ?? system ?? userAgent.split(/[/ ]/)[0];
}

/**
 * @param {[string, RegExp][]} known
 * @param {string} userAgent
 */
function nameIn(known, userAgent) {
  return known.find(([, pattern]) => pattern.test(userAgent))?.[0];
}
