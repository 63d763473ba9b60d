import { nextPage, takeNextAlong } from "./next.js";
import { leave, signedInUser } from "./page.js";
import { bindPasskeySignIn, offerPasskeys } from "./passkey-sign-in.js";
import { takeAnswer, useAnswer } from "./providers.js";
import { bindSignIn } from "./sign-in-forms.js";
import { showSignedIn } from "./signed-in.js";

const answer = takeAnswer();
const next = nextPage();
takeNextAlong(document.querySelector("a[href='/register']"));
const signIn = bindSignIn(() => leave(next));
bindPasskeySignIn(signIn);

if (answer) {
  await useAnswer(answer, signIn); // a session that is there gives way
  await signedInUser();
}
if (answer || !(await showSignedIn())) await offerPasskeys(signIn);
