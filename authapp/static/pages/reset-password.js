import { bindTokenForm } from "./email-token.js";

await bindTokenForm(document.querySelector("form"), "/auth/password/reset");
