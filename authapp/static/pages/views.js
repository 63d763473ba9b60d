// The sections of a console, of which one is shown: that behind the # of the address. Each link of the navigation leads
// to one, so the browser's back button and deep links work. Filters of the section may follow: `filters.js`.
import { showPanel } from "./page.js";

/**
 * Show the section that the address names, now and whenever it changes. Default: the first.
 * @param {Record<string, () => Promise<void> | void>} views by the id of the section, in the order of the navigation:
 *   what reads its content from the API, each time that it is shown. Links to others are hidden.
 */
export async function bindViews(views) {
  const names = Object.keys(views);
  for (const link of links()) link.closest("li").hidden = !names.includes(link.hash.slice(1));
  addEventListener("hashchange", () => void show(views, names, true));
  showPanel("console", { focus: false });
  await show(views, names, location.hash !== "");
}

/**
 * @param {Record<string, () => Promise<void> | void>} views
 * @param {string[]} names
 * @param {boolean} isAsked whether somebody has followed a link: the focus moves to the heading
 */
async function show(views, names, isAsked) {
  const [wanted] = location.hash.slice(1).split("?");
  const name = names.includes(wanted) ? wanted : names[0];
  for (const section of document.querySelectorAll(".sections > .section")) section.hidden = section.id !== name;
  for (const link of links()) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  for (const status of document.querySelectorAll(".sections [role=status]")) status.textContent = "";
  if (isAsked) focusHeading();
  await views[name]();
}

function focusHeading() {
  scrollTo(0, 0);
  document.querySelector(".sections > .section:not([hidden]) h2").focus({ preventScroll: true });
}

/** @returns {NodeListOf<HTMLAnchorElement>} */
function links() {
  return document.querySelectorAll(".contents a");
}
