"use client";

import { useId, useLayoutEffect, useRef, type ReactElement, type ReactNode } from "react";

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ReactNode;
}

/** A modal dialog of the browser, open while it is mounted. The browser keeps the focus in it, and gives it back. */
export function Dialog({ title, onClose, children }: DialogProps): ReactElement {
  const element = useRef<HTMLDialogElement>(null);
  const isMounted = useRef(false);
  const id = useId();
  useLayoutEffect(() => {
    const dialog = element.current;
    isMounted.current = true;
    dialog?.showModal();
    dialog?.querySelector<HTMLElement>("input:not([hidden]), .authapp-cancel")?.focus();
    return () => {
      isMounted.current = false;
      dialog?.close(); // while it is still in the document: only then the focus goes back
    };
  }, []);

  return (
    <dialog
      ref={element}
      className="authapp-dialog"
      aria-labelledby={id}
      onClose={() => isMounted.current && !element.current?.open && onClose()} // StrictMode closes it and opens it again
    >
      <h2 id={id} className="authapp-title">{title}</h2>
      {children}
    </dialog>
  );
}
