"use client";

import type { Role, RoleName, Schemas } from "@authapp/client";
import { useId, useState, type ReactElement } from "react";
import { useProvided } from "./context.js";
import { Dialog } from "./Dialog.js";
import { Form } from "./Form.js";
import { apiError, sentence } from "./sentence.js";
import { fill, type Texts } from "./texts.js";
import { useAuth } from "./useAuth.js";

export type Member = Schemas["Member"];

interface MemberRowProps {
  organizationId: string;
  organizationName: string;
  member: Member;
  isAdmin: boolean;
  onChange: (changed: Member, said: string) => void;
  onRemove: () => void;
}

export function MemberRow(props: MemberRowProps): ReactElement {
  const { member, isAdmin, onRemove } = props;
  const { texts } = useProvided();
  const { user } = useAuth();
  const isMe = member.user.id === user?.id;
  const name = nameOf(member);
  return (
    <tr role="row">
      <th role="rowheader" scope="row" tabIndex={-1}>
        {name}
        {isMe && ` (${texts.you})`}
        {name !== member.user.email && <span className="authapp-email">{member.user.email}</span>}
      </th>
      <td role="cell">{isAdmin ? <RoleSelect {...props} isMe={isMe} /> : roleName(member.role, texts)}</td>
      <td role="cell" className="authapp-joined">{dateOf(member.joined_at, texts.language)}</td>
      <td role="cell">
        {(isAdmin || isMe) && (
          <button
            type="button"
            className="authapp-button authapp-button-secondary"
            aria-label={isMe ? undefined : fill(texts.remove_member, { member: name })}
            onClick={onRemove}
          >
            {isMe ? texts.leave : texts.remove}
          </button>
        )}
      </td>
    </tr>
  );
}

/** Changes the role at once; one's own only after a question, because there is no way back. */
function RoleSelect({ organizationId, organizationName, member, isMe, onChange }: MemberRowProps & { isMe: boolean }): ReactElement {
  const { texts } = useProvided();
  const { client } = useAuth();
  const id = useId();
  const [wanted, setWanted] = useState<Role | null>(null);
  const [error, setError] = useState("");
  const name = nameOf(member);

  async function change(role: Role): Promise<void> {
    const path = { organization_id: organizationId, user_id: member.user.id };
    await client.call("patch", "/api/v1/organizations/{organization_id}/members/{user_id}", { path, body: { role } });
    onChange({ ...member, role }, fill(texts.role_changed, { member: name, role: roleName(role, texts) }));
    setWanted(null);
    if (isMe) await client.reload();
  }

  async function changeAtOnce(role: Role): Promise<void> {
    setWanted(role);
    try {
      await change(role);
    } catch (error) {
      setWanted(null);
      setError(sentence(apiError(error), texts));
    }
  }

  function choose(role: Role): void {
    if (wanted) return;
    setError("");
    if (isMe) setWanted(role);
    else void changeAtOnce(role);
  }

  return (
    <>
      <select
        value={wanted ?? member.role}
        aria-label={fill(texts.role_of, { member: name })}
        aria-busy={wanted !== null}
        aria-invalid={error ? true : undefined}
        aria-describedby={error ? id : undefined}
        onChange={(event) => choose(event.target.value as Role)}
      >
        {[...client.roles].reverse().map((role) => <option key={role} value={role}>{roleName(role, texts)}</option>)}
      </select>
      <p className="authapp-error" id={id} role="alert">{error}</p>
      {isMe && wanted && (
        <Dialog title={fill(texts.step_down_title, { role: roleName(wanted, texts) })} onClose={() => setWanted(null)}>
          <Form
            label={texts.change_role}
            button={texts.change_role}
            kind="danger"
            send={() => change(wanted)}
            onCancel={() => setWanted(null)}
          >
            <p className="authapp-lead">{fill(texts.step_down_lead, { organization: organizationName })}</p>
          </Form>
        </Dialog>
      )}
    </>
  );
}

/** How a person is called: by name, else by email. */
export function nameOf({ user }: Member): string {
  return [user.first_name, user.last_name].filter(Boolean).join(" ") || user.email;
}

/** What a role is called. One of the application's own goes by its name. */
function roleName(role: RoleName, texts: Texts): string {
  return isBuiltIn(role) ? texts[role] : role;
}

function isBuiltIn(role: RoleName): role is Role {
  return ["admin", "developer", "viewer"].includes(role);
}

function dateOf(timestamp: string, language: string): string {
  return new Date(timestamp).toLocaleDateString(language, { dateStyle: "medium" });
}
