// The trusted identities: list, create, delete.
import { callAccount } from "./account-call.js";
import { fieldProblem, onSave, openDialog } from "./account-forms.js";
import { showAvatar } from "./avatar.js";
import { confirmNamed } from "./confirm.js";
import { orGone, path } from "./organization-current.js";
import { DATE, fillSlot, readableTime } from "./paged-list.js";
import { pagedTable } from "./paged-table.js";
import { roleName } from "./role-names.js";
import { claimsInWords, text } from "./text.js";

const ISSUERS = { github: "GitHub", gitlab: "GitLab" };
const CLAIMS = { github: ["repository_id", "environment"], gitlab: ["project_id", "environment"], other: ["sub"] };
const section = document.querySelector("#trusted-identities");
const status = section.querySelector("#trusted-identities-done");
const creation = document.querySelector("#trust");
const form = creation.querySelector("form");
const rows = form.querySelector("[data-claims]");
const template = form.querySelector("template");
/** @type {ReturnType<typeof pagedTable>} */
let table;

const askToDelete = confirmNamed(document.querySelector("#distrust"), status, {
  call: ({ id }) => callAccount("DELETE", `${path()}/trusted-identities/${id}`).catch(orGone),
  done: ({ name }) => reopened("identity_deleted", name),
});

/**
 * @param {HTMLElement} row
 * @param {any} identity
 */
function fillRow(row, identity) {
  showAvatar(row.querySelector("[data-avatar]"), identity.id, identity.name);
  fillSlot(row, "title", identity.name);
  fillSlot(row, "about", ISSUERS[identity.issuer] ?? identity.issuer);
  fillSlot(row, "claims", claimsInWords(identity.claims));
  fillSlot(row, "role", roleName(identity.role));
  fillSlot(row, "created", readableTime(identity.created_at, DATE));
  const button = row.querySelector("[data-delete]");
  button.ariaLabel = `${button.textContent}: ${identity.name}`;
  button.addEventListener("click", () => askToDelete(identity, text("delete_identity_lead", { name: identity.name })));
}

/**
 * @param {string} said
 * @param {string} name
 */
async function reopened(said, name) {
  await table.open();
  section.querySelector("h2").focus();
  return text(said, { name });
}

/**
 * Add a row for a claim.
 * @param {string} [name]
 */
function addClaim(name = "") {
  const row = template.content.cloneNode(true).firstElementChild;
  const [claim, value] = row.querySelectorAll("input");
  claim.value = name;
  row.querySelector("[data-remove]").addEventListener("click", () => {
    row.remove();
    form.querySelector("[data-add]").focus();
  });
  rows.append(row);
  return name ? value : claim;
}

/** Show the claims that a rule for this issuer begins with. */
function chooseIssuer() {
  const { value } = form.elements.issuer;
  form.querySelector("[data-other]").hidden = value !== "other";
  form.elements.address.required = value === "other";
  rows.replaceChildren();
  CLAIMS[value].forEach((name) => addClaim(name));
}

function openCreation() {
  openDialog(creation);
  chooseIssuer();
}

/** The claims of all rows. One that is left out without a word would let other jobs in. */
function claims() {
  const pairs = [...rows.children].map((row) => [...row.querySelectorAll("input")].map((input) => input.value.trim()));
  if (pairs.flat().includes("")) throw fieldProblem("claims", "claim_incomplete");
  if (new Set(pairs.map(([name]) => name)).size < pairs.length) throw fieldProblem("claims", "claim_twice");
  return Object.fromEntries(pairs);
}

/** @param {Record<string, string>} values */
async function create({ name, issuer, address, role }) {
  const body = { name, issuer: issuer === "other" ? address : issuer, claims: claims(), role };
  const created = await callAccount("POST", `${path()}/trusted-identities`, body);
  creation.close();
  return reopened("identity_created", created.name);
}

export function startTrustedIdentities() {
  table = pagedTable(section, `${path()}/trusted-identities`, fillRow);
  for (const button of section.querySelectorAll("[data-create]")) button.addEventListener("click", openCreation);
  form.querySelector("[data-add]").addEventListener("click", () => addClaim().focus());
  form.elements.issuer.addEventListener("change", chooseIssuer);
  onSave(form, create, status);
  return table.open;
}
