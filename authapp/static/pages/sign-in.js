import { DEFAULT, nextPage } from "./next.js";
import { leave, showPanel, signedInUser } from "./page.js";
import { bindSignIn } from "./sign-in-forms.js";

const next = nextPage();
const onward = document.querySelector("[data-continue]");
onward.href = next;
if (onward.pathname !== DEFAULT) onward.textContent = onward.dataset.continue;
bindSignIn(() => leave(next));

const touched = new AbortController();
document.addEventListener("input", () => touched.abort(), { once: true });
if ((await signedInUser()) && !touched.signal.aborted) showPanel("signed-in");
