"use client";

import type { Organization } from "@authapp/client";
import { useEffect, useId, useRef, useState, type ReactElement } from "react";
import { useProvided } from "./context.js";
import { More } from "./More.js";
import { apiError, sentence } from "./sentence.js";
import { fill } from "./texts.js";
import { useAuth } from "./useAuth.js";
import { usePages, type Read } from "./usePages.js";

/** As many memberships as the API gives with the account. With so many there may be more. */
const MOST = 100;

/** Chooses the organization that one works in: a select, or a list in pages where there may be more than 100. */
export function OrganizationSwitcher(): ReactElement | null {
  const { texts } = useProvided();
  const { status, memberships } = useAuth();
  if (status !== "signed_in") return null;
  if (!memberships.length) return <p className="authapp-note">{texts.no_organizations}</p>;
  return memberships.length < MOST ? <Select /> : <Disclosure />;
}

function Select(): ReactElement {
  const { texts } = useProvided();
  const { memberships } = useAuth();
  const id = useId();
  const { chosenId, choose, isBusy, alert } = useChoice();
  return (
    <div className="authapp-field authapp-switcher">
      <label htmlFor={id}>{texts.organization}</label>
      <select id={id} value={chosenId} aria-busy={isBusy} onChange={(event) => choose(event.target.value)}>
        <option value="" disabled>{texts.choose_organization}</option>
        {memberships.map(({ organization }) => (
          <option key={organization.id} value={organization.id}>{organization.name}</option>
        ))}
      </select>
      {alert}
    </div>
  );
}

function Disclosure(): ReactElement {
  const { texts } = useProvided();
  const { organization } = useAuth();
  const [isOpen, setOpen] = useState(false);
  const [status, setStatus] = useState("");
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);

  function close(chosen: string): void {
    setOpen(false);
    setStatus(fill(texts.chosen, { organization: chosen }));
    button.current?.focus();
  }

  return (
    <div className="authapp-field authapp-switcher">
      <span id={`${id}-label`}>{texts.organization}</span>
      <button
        ref={button}
        id={`${id}-button`}
        type="button"
        className="authapp-button authapp-button-secondary"
        aria-expanded={isOpen}
        aria-controls={`${id}-list`}
        aria-labelledby={`${id}-label ${id}-button`}
        onClick={() => setOpen(!isOpen)}
      >
        {organization?.name ?? texts.choose_organization}
      </button>
      <div id={`${id}-list`} hidden={!isOpen}>{isOpen && <List onChosen={close} />}</div>
      <p className="authapp-note" role="status">{status}</p>
    </div>
  );
}

const readMine: Read<Organization> = (client, options) => client.call("get", "/api/v1/organizations", options);

function List({ onChosen }: { onChosen: (name: string) => void }): ReactElement {
  const pages = usePages(readMine);
  const { chosenId, choose, isBusy, alert } = useChoice();
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    if (pages.focusFrom) list.current?.querySelectorAll("button")[pages.focusFrom]?.focus();
  }, [pages.focusFrom]);
  return (
    <>
      {alert}
      <ul ref={list} className="authapp-list" aria-busy={isBusy}>
        {pages.items.map(({ id, name }) => (
          <li key={id}>
            <button type="button" className="authapp-link" aria-current={id === chosenId} onClick={() => choose(id, () => onChosen(name))}>
              {name}
            </button>
          </li>
        ))}
      </ul>
      <More {...pages} />
    </>
  );
}

interface Choice {
  /** Of the organization that is chosen, or is about to be. */
  chosenId: string;
  choose: (id: string, then?: () => void) => void;
  isBusy: boolean;
  alert: ReactElement;
}

function useChoice(): Choice {
  const { client, organization } = useAuth();
  const { texts } = useProvided();
  const [wanted, setWanted] = useState<string | null>(null);
  const [error, setError] = useState("");

  async function choose(id: string, then?: () => void): Promise<void> {
    if (wanted !== null) return;
    setWanted(id);
    setError("");
    try {
      await client.organization.use(id);
      then?.();
    } catch (error) {
      setError(sentence(apiError(error), texts));
    } finally {
      setWanted(null);
    }
  }

  return {
    chosenId: wanted ?? organization?.id ?? "",
    choose: (id, then) => void choose(id, then),
    isBusy: wanted !== null,
    alert: <div className="authapp-alert" role="alert">{error}</div>,
  };
}
