// All that is kept of the account, as a file.
import { callAccount } from "./account-call.js";
import { onSave } from "./account-forms.js";
import { saveFile } from "./copy.js";
import { text } from "./text.js";

export function startExport() {
  onSave(document.querySelector("[data-export]"), async () => {
    const found = await callAccount("GET", "/auth/me/export");
    saveFile("my-data.json", JSON.stringify(found, null, 2), "application/json");
    return text("data_saved");
  });
}
