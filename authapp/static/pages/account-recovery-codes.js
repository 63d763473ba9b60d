// Recovery codes as they are shown, once: to copy, to save as a file, to print.
import { user } from "./account-user.js";
import { text } from "./text.js";

/**
 * Show recovery codes until their owner has them.
 * @param {HTMLElement} part
 * @param {string[]} codes
 * @param {() => Promise<void>} onSaved
 */
export function showCodes(part, codes, onSaved) {
  const $ = (/** @type {string} */ selector) => part.querySelector(selector);
  const file = `${text("codes_file", { email: user().email })}\n\n${codes.join("\n")}\n`;
  const address = URL.createObjectURL(new Blob([file], { type: "text/plain;charset=utf-8" }));
  $("[data-codes]").replaceChildren(...codes.map(itemOf));
  $("[data-download]").href = address;
  $("#codes-copied").textContent = "";
  $("[data-copy]").onclick = async () => {
    await navigator.clipboard.writeText(codes.join("\n"));
    $("#codes-copied").textContent = text("copied");
  };
  $("[data-print]").onclick = () => print();
  $("[data-saved]").onclick = async () => {
    URL.revokeObjectURL(address);
    $("[data-codes]").replaceChildren();
    await onSaved();
  };
  $("h3").focus();
}

/** @param {string} code */
function itemOf(code) {
  const item = document.createElement("li");
  item.append(Object.assign(document.createElement("code"), { textContent: code }));
  return item;
}
