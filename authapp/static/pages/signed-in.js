// The panel that says who is signed in already, of the pages to sign in and to register.
import { DEFAULT, nextPage } from "./next.js";
import { showPanel, signedInUser } from "./page.js";

let isTouched = false;
document.addEventListener("input", () => (isTouched = true), { once: true });

/**
 * Say who is signed in, unless something was typed meanwhile. The panel leads to where signing in would.
 * @returns {Promise<boolean>} whether it is said
 */
export async function showSignedIn() {
  const onward = document.querySelector("[data-continue]");
  onward.href = nextPage();
  if (onward.pathname !== DEFAULT) onward.textContent = onward.dataset.continue;
  const isSaid = Boolean(await signedInUser()) && !isTouched;
  if (isSaid) showPanel("signed-in");
  return isSaid;
}
