"use client";

import type { ReactElement, ReactNode } from "react";

interface FormLinkProps {
  text: string;
  onPress: () => void;
}

/** Leads to another form. If that replaces this one, its first field gets the focus that would be lost with the link. */
export function FormLink({ text, onPress }: FormLinkProps): ReactElement {
  function press(): void {
    onPress();
    setTimeout(() => {
      if (document.activeElement === document.body) document.querySelector<HTMLElement>(".authapp-form input")?.focus();
    });
  }
  return <button type="button" className="authapp-link" onClick={press}>{text}</button>;
}

/** A form, or what came in its place, with a link below it where the application has a page for that. */
export function WithLink({ text, onPress, children }: { text: string; onPress: (() => void) | undefined; children: ReactNode }): ReactElement {
  if (!onPress) return <>{children}</>;
  return (
    <div className="authapp-sign-in">
      {children}
      <FormLink text={text} onPress={onPress} />
    </div>
  );
}
