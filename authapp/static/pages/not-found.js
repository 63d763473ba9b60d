import { signedInUser } from "./page.js";

await signedInUser();
