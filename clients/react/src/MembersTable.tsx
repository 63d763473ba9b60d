"use client";

import { useCallback, useEffect, useRef, useState, type ReactElement } from "react";
import { useProvided } from "./context.js";
import { Dialog } from "./Dialog.js";
import { Form } from "./Form.js";
import { MemberRow, nameOf, type Member } from "./MemberRow.js";
import { More } from "./More.js";
import { fill } from "./texts.js";
import { useAuth } from "./useAuth.js";
import { useOrganization } from "./useOrganization.js";
import { usePages, type Read } from "./usePages.js";

export interface MembersTableProps {
  organizationId: string;
}

/** The members of an organization. Admins change roles and remove members; everybody may leave. */
export function MembersTable({ organizationId }: MembersTableProps): ReactElement {
  const { user } = useAuth();
  return <Members key={`${user?.id} ${organizationId}`} organizationId={organizationId} />; // nobody sees the list of another
}

function Members({ organizationId }: MembersTableProps): ReactElement {
  const { texts } = useProvided();
  const { client, user } = useAuth();
  const { organization, can } = useOrganization(organizationId);
  const read = useCallback<Read<Member>>(
    (client, options) => {
      const path = { organization_id: organizationId };
      return client.call("get", "/api/v1/organizations/{organization_id}/members", { path, ...options });
    },
    [organizationId],
  );
  const pages = usePages(read);
  const [status, setStatus] = useState("");
  const [asked, setAsked] = useState<Member | null>(null);
  const [hasLeft, setLeft] = useState(false);
  const [removed, setRemoved] = useState(0);
  const table = useRef<HTMLDivElement>(null);
  const name = organization?.name ?? texts.organization;
  useEffect(() => {
    if (pages.focusFrom) table.current?.querySelectorAll<HTMLElement>("tbody th")[pages.focusFrom]?.focus();
  }, [pages.focusFrom]);
  useEffect(() => {
    if (removed) table.current?.focus(); // the button that had the focus is gone with its row
  }, [removed]);

  /** After another role or a removal: what the list says of it. */
  function show(member: Member, change: Member | null, said: string): void {
    pages.setItems((items) => items.flatMap((item) => (item.user.id === member.user.id ? (change ?? []) : item)));
    setStatus(said);
  }

  async function remove(member: Member): Promise<void> {
    const path = { organization_id: organizationId, user_id: member.user.id };
    await client.call("delete", "/api/v1/organizations/{organization_id}/members/{user_id}", { path });
    setAsked(null);
    const isMe = member.user.id === user?.id;
    show(member, null, fill(isMe ? texts.left : texts.removed, { member: nameOf(member), organization: name }));
    setRemoved((times) => times + 1);
    if (!isMe) return;
    setLeft(true);
    await client.reload();
  }

  return (
    <div ref={table} className="authapp-members" tabIndex={-1}>
      <p className="authapp-status" role="status">{status}</p>
      {!hasLeft && (
        <>
          {/* The roles are those of the elements. Without them, styles that stack the cells on a phone take them away. */}
          <table role="table" className="authapp-table" aria-busy={pages.isLoading}>
            <caption>{fill(texts.members_of, { organization: name })}</caption>
            <thead role="rowgroup">
              <tr role="row">
                <th role="columnheader" scope="col">{texts.member}</th>
                <th role="columnheader" scope="col">{texts.role}</th>
                <th role="columnheader" scope="col" className="authapp-joined">{texts.joined}</th>
                <th role="columnheader" scope="col">{texts.actions}</th>
              </tr>
            </thead>
            <tbody role="rowgroup">
              {pages.items.map((member) => (
                <MemberRow
                  key={member.user.id}
                  organizationId={organizationId}
                  organizationName={name}
                  member={member}
                  isAdmin={can("admin")}
                  onChange={(changed, said) => show(member, changed, said)}
                  onRemove={() => setAsked(member)}
                />
              ))}
            </tbody>
          </table>
          <More {...pages} />
        </>
      )}
      {asked && (
        <RemoveDialog
          member={asked}
          organizationName={name}
          isMe={asked.user.id === user?.id}
          remove={() => remove(asked)}
          onClose={() => setAsked(null)}
        />
      )}
    </div>
  );
}

interface RemoveDialogProps {
  member: Member;
  organizationName: string;
  isMe: boolean;
  remove: () => Promise<void>;
  onClose: () => void;
}

function RemoveDialog({ member, organizationName, isMe, remove, onClose }: RemoveDialogProps): ReactElement {
  const { texts } = useProvided();
  const values = { member: nameOf(member), organization: organizationName };
  const title = fill(isMe ? texts.leave_title : texts.remove_title, values);
  return (
    <Dialog title={title} onClose={onClose}>
      <Form label={title} button={isMe ? texts.leave : texts.remove} kind="danger" send={remove} onCancel={onClose}>
        <p className="authapp-lead">{fill(isMe ? texts.leave_lead : texts.remove_lead, values)}</p>
      </Form>
    </Dialog>
  );
}
