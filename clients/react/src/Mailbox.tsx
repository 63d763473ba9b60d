"use client";

import { useEffect, useRef, type ReactElement } from "react";
import { useProvided } from "./context.js";

/** Says that an email is on its way, in the place of the form that asked for it. It takes the focus that the form had. */
export function Mailbox({ lead }: { lead: string }): ReactElement {
  const { texts } = useProvided();
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => element.current?.focus(), []);
  return (
    <div ref={element} className="authapp-mailbox" role="status" tabIndex={-1}>
      <p className="authapp-title">{texts.mailbox_title}</p>
      <p className="authapp-lead">{lead}</p>
    </div>
  );
}
