// What the pages of a console do first: sign in by the refresh cookie, then start, or say what went wrong.
import { keepUser } from "./account-user.js";
import { refresh } from "./api.js";
import { leadToSignIn } from "./next.js";
import { fill, showPanel } from "./page.js";
import { Problem } from "./problem.js";
import { sentence } from "./text.js";

/**
 * Open a page that extends `console.html`. Without a session it leads to the sign-in page and back.
 * @param {(user: any) => Promise<string | void>} start returns the panel to show, default: "console"
 */
export async function openConsole(start) {
  try {
    const session = await refresh();
    if (!session) return leadToSignIn();
    keepUser(session.user);
    showPanel((await start(session.user)) ?? "console", { focus: false });
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    fill("failure", sentence(problem));
    showPanel("failed");
  }
}

document.querySelector("[data-reload]").addEventListener("click", () => location.reload());
