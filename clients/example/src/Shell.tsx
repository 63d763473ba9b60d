import { OrganizationSwitcher, useAuth } from "@authapp/react";
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";

import { AUTHAPP } from "./auth";
import { Icon } from "./Icon";
import { Brand } from "./Page";
import { Link, usePath } from "./router";

/** The frame of every protected page: organization, navigation, account. On a phone a button opens it. */
export function Shell({ children }: { children: ReactNode }) {
  const { user, can, signOut } = useAuth();
  const [isOpen, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const path = usePath();
  useEffect(() => setOpen(false), [path]);
  function closeByKey({ key }: KeyboardEvent) {
    if (key !== "Escape" || !isOpen) return;
    setOpen(false);
    button.current?.focus();
  }
  return (
    <div className="shell">
      <a className="skip" href="#content">
        Skip to the content
      </a>
      <header className="side" onKeyDown={closeByKey}>
        <div className="bar">
          <Brand />
          <button ref={button} type="button" className="menu" aria-expanded={isOpen} aria-controls="menu" onClick={() => setOpen(!isOpen)}>
            <Icon name={isOpen ? "close" : "menu"} /> Menu
          </button>
        </div>
        <div id="menu" className="menu-content" data-open={isOpen}>
          <div>
            <OrganizationSwitcher />
            <Link className="below" href="/organizations">Create another organization</Link>
          </div>
          <nav aria-label="Pages">
            <Link href="/"><Icon name="home" /> Overview</Link>
            <Link href="/experiments"><Icon name="flask" /> Experiments</Link>
            {can("developer") && <Link href="/deployments"><Icon name="rocket" /> Deployments</Link>}
            <Link href="/members"><Icon name="people" /> Members</Link>
            {can("admin") && <Link href="/settings"><Icon name="gear" /> Settings</Link>}
          </nav>
          <div className="account">
            <span className="who">{user?.email}</span>
            <a href={`${AUTHAPP}/account`}><Icon name="person" /> Account and security</a>
            <button type="button" onClick={() => signOut()}><Icon name="leave" /> Sign out</button>
          </div>
        </div>
      </header>
      <main id="content" tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}
