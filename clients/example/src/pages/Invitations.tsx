import type { ApiError, Invitation, Role, Schemas } from "@authapp/client";
import { useCallback, useId, useRef, useState } from "react";

import { client } from "../auth";
import { Field, Form } from "../Form";
import { asDate, Panel, Problem } from "../Page";
import { asApiError, useLoaded } from "../useLoaded";

const INVITATIONS = "/api/v1/organizations/{organization_id}/invitations";
const INVITATION = `${INVITATIONS}/{invitation_id}` as const;
const RESEND = `${INVITATION}/resend` as const;
const AT_ONCE = 10;

/** For admins: the form, and below it the invitations that nobody has answered yet. */
export function Invitations({ organizationId }: { organizationId: string }) {
  const [said, setSaid] = useState("");
  const [shown, setShown] = useState(AT_ONCE);
  const role = useId();
  const title = useRef<HTMLHeadingElement>(null);
  const { data: pending, error, reload } = useLoaded(useCallback(() => listPending(organizationId, shown), [organizationId, shown]));
  async function invite(fields: Record<string, string>) {
    setSaid("");
    const { email } = await client.call("post", INVITATIONS, {
      path: { organization_id: organizationId },
      body: { email: fields.email ?? "", role: fields.role as Role },
    });
    changed(`${email} gets an email with a link.`);
  }
  function changed(sentence: string) {
    setSaid(sentence);
    reload();
  }
  return (
    <Panel title="Invite somebody">
      <Form send={invite} button="Invite" inline>
        <Field label="Email" name="email" type="email" />
        <div className="authapp-field">
          <label htmlFor={role}>Role</label>
          <select id={role} name="role" defaultValue="developer">
            <option value="admin">Admin</option>
            <option value="developer">Developer</option>
            <option value="viewer">Viewer</option>
          </select>
        </div>
      </Form>
      <p role="status">{said}</p>
      <Problem error={error} />
      <h3 ref={title} tabIndex={-1}>
        Not answered yet
      </h3>
      {pending?.items.length === 0 && <p className="muted">No invitation waits for an answer.</p>}
      <ul className="lines">
        {pending?.items.map((one) => (
          <Row
            key={one.id}
            organizationId={organizationId}
            invitation={one}
            onChange={(sentence) => {
              title.current?.focus(); // the row, and the button in it, may be gone soon
              changed(sentence);
            }}
          />
        ))}
      </ul>
      {pending?.hasMore && (
        <button type="button" className="authapp-button authapp-button-secondary" onClick={() => setShown(shown + AT_ONCE)}>
          Show more
        </button>
      )}
    </Panel>
  );
}

function Row({ organizationId, invitation, onChange }: {
  organizationId: string;
  invitation: Invitation;
  onChange: (sentence: string) => void;
}) {
  const { id, email, role, expires_at } = invitation;
  const path = { organization_id: organizationId, invitation_id: id };
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  async function act(send: () => Promise<unknown>, sentence: string) {
    if (isBusy) return;
    setBusy(true);
    setError(null);
    try {
      await send();
      onChange(sentence);
    } catch (problem) {
      setError(asApiError(problem));
    } finally {
      setBusy(false);
    }
  }
  const resend = () => act(() => client.call("post", RESEND, { path }), `${email} gets another email. The link of the earlier one is dead.`);
  const revoke = () => act(() => client.call("delete", INVITATION, { path }), `The invitation of ${email} is revoked.`);
  return (
    <li className="invitation">
      <strong>{email}</strong> <span className="tag">{role}</span>
      <span className="muted">
        until <time dateTime={expires_at}>{asDate(expires_at)}</time>
      </span>
      <span className="actions">
        <button type="button" className="authapp-button authapp-button-secondary" aria-label={`Send again: ${email}`} aria-disabled={isBusy} onClick={resend}>
          Send again
        </button>
        <button type="button" className="authapp-button authapp-button-secondary" aria-label={`Revoke: ${email}`} aria-disabled={isBusy} onClick={revoke}>
          Revoke
        </button>
      </span>
      <Problem error={error} />
    </li>
  );
}

/** The API lists invitations of every status, newest first: pages are read until there are enough that are pending. */
async function listPending(organizationId: string, wanted: number) {
  const items: Invitation[] = [];
  let cursor: string | null = null;
  do {
    const page: Schemas["InvitationPage"] = await client.call("get", INVITATIONS, {
      path: { organization_id: organizationId },
      query: { limit: 100, ...(cursor && { cursor }) },
    });
    items.push(...page.items.filter(({ status }) => status === "pending"));
    cursor = page.next_cursor;
  } while (cursor && items.length <= wanted);
  return { items: items.slice(0, wanted), hasMore: items.length > wanted };
}
