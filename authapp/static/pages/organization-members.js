// The members: their roles, removing one. Admins see what changes something.
import { callAccount } from "./account-call.js";
import { saidAs } from "./account-forms.js";
import { user as me } from "./account-user.js";
import { nameOf, showAvatar } from "./avatar.js";
import { confirmNamed } from "./confirm.js";
import { isAdmin, orGone, path } from "./organization-current.js";
import { askToLeave } from "./organization-danger.js";
import { DATE, fillSlot, readableTime } from "./paged-list.js";
import { pagedTable } from "./paged-table.js";
import { roleMeaning, roleName } from "./role-names.js";
import { text } from "./text.js";

const section = document.querySelector("#members");
const status = section.querySelector("#members-done");
const roleDialog = document.querySelector("#change-role");
const ONLY_ADMIN = saidAs({ last_admin: "only_admin" });
/** @type {ReturnType<typeof pagedTable>} */
let table;

const askToRemove = confirmNamed(document.querySelector("#remove-member"), status, {
  call: ({ member }) => callAccount("DELETE", `${path()}/members/${member.user.id}`).catch(orGone).catch(ONLY_ADMIN),
  done({ row, member }) {
    table.remove(row);
    return text("member_removed", { name: nameOf(member.user) });
  },
});
const askForRole = confirmNamed(roleDialog, status, {
  call: ({ member, role }) => callAccount("PATCH", `${path()}/members/${member.user.id}`, { role }).catch(ONLY_ADMIN),
  done({ row, member, role }, changed) {
    if (isMe(member)) location.reload(); // what the page shows depends on it
    Object.assign(member, changed);
    row.querySelector("select").value = role;
    row.querySelector("select").focus();
    return text("role_changed", { name: nameOf(member.user), role: roleName(role) });
  },
});

/**
 * @param {HTMLElement} row
 * @param {any} member
 */
function fillRow(row, member) {
  const name = nameOf(member.user);
  showAvatar(row.querySelector("[data-avatar]"), member.user.id, name);
  fillSlot(row, "title", name);
  fillSlot(row, "about", name === member.user.email ? "" : member.user.email);
  row.querySelector("[data-slot=you]").hidden = !isMe(member);
  fillSlot(row, "joined", readableTime(member.joined_at, DATE));
  bindRole(row, member, name);
  const removal = row.querySelector("[data-remove]");
  removal.ariaLabel = `${removal.textContent}: ${name}`;
  removal.hidden = !isAdmin() || isMe(member);
  removal.addEventListener("click", () => askToRemove({ row, member }, text("remove_member_lead", { name })));
  const leaving = row.querySelector("[data-leave]");
  leaving.hidden = !isMe(member);
  leaving.addEventListener("click", askToLeave);
}

/**
 * @param {HTMLElement} row
 * @param {any} member
 * @param {string} name
 */
function bindRole(row, member, name) {
  const select = row.querySelector("select");
  if (!isAdmin()) {
    select.remove();
    return fillSlot(row, "role", roleName(member.role));
  }
  row.querySelector("[data-slot=role]").remove();
  select.value = member.role;
  select.ariaLabel = text("role_of", { name });
  select.addEventListener("change", () => {
    const role = select.value;
    const names = { name, before: roleName(member.role), after: roleName(role), means: roleMeaning(role) };
    askForRole({ row, member, role }, text(isMe(member) ? "change_own_role_lead" : "change_role_lead", names));
    roleDialog.querySelector("[type=submit]").className = isMe(member) ? "danger" : "primary";
    roleDialog.addEventListener("close", () => {
      select.value = member.role;
      select.focus();
    }, { once: true });
  });
}

/** @param {any} member */
function isMe(member) {
  return member.user.id === me().id;
}

export function startMembers() {
  table = pagedTable(section, `${path()}/members`, fillRow);
  return table.open;
}
