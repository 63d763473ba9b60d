import { DEFAULT, nextPage, takeNextAlong } from "./next.js";
import { leave, showPanel, signedInUser } from "./page.js";
import { bindPasskeySignIn, offerPasskeys } from "./passkey-sign-in.js";
import { takeAnswer, useAnswer } from "./providers.js";
import { bindSignIn } from "./sign-in-forms.js";

const answer = takeAnswer();
const next = nextPage();
takeNextAlong(document.querySelector("a[href='/register']"));
const onward = document.querySelector("[data-continue]");
onward.href = next;
if (onward.pathname !== DEFAULT) onward.textContent = onward.dataset.continue;
const signIn = bindSignIn(() => leave(next));
bindPasskeySignIn(signIn);

const touched = new AbortController();
document.addEventListener("input", () => touched.abort(), { once: true });
if (answer) await useAnswer(answer, signIn); // a session that is there gives way
const user = await signedInUser();
if (user && !answer && !touched.signal.aborted) showPanel("signed-in");
else await offerPasskeys(signIn);
