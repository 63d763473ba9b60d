import { bindTokenForm } from "./email-token.js";
import { showProblem } from "./form.js";
import { text } from "./text.js";

const form = document.querySelector("form");
await bindTokenForm(form, "/auth/email/undo", {
  dead(problem) {
    problem.fields = { token: [text("dead_undo_token")] }; // nobody can ask for another one
    document.querySelector("[data-dead]").hidden = false;
    showProblem(form, problem);
  },
});
