import { nextPage } from "./next.js";
import { leave, showPanel, signedInUser } from "./page.js";
import { bindSignIn } from "./sign-in-forms.js";

const next = nextPage();
document.querySelector("[data-continue]").href = next;
bindSignIn(() => leave(next));

const touched = new AbortController();
document.addEventListener("input", () => touched.abort(), { once: true });
if ((await signedInUser()) && !touched.signal.aborted) showPanel("signed-in");
