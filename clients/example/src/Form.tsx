import type { InputHTMLAttributes, ReactNode } from "react";
import { useId } from "react";

import { Problem } from "./Page";
import { useForm } from "./useForm";

/** A form of this app, with the class names of those of @authapp/react, so that all of them look the same. */
export function Form({ send, button, children, danger = false, inline = false }: {
  send: (fields: Record<string, string>) => Promise<unknown>;
  button: string;
  children?: ReactNode;
  danger?: boolean;
  inline?: boolean;
}) {
  const { onSubmit, isBusy, error } = useForm(send);
  return (
    <form className={inline ? "authapp-form inline" : "authapp-form"} onSubmit={onSubmit}>
      {children}
      <button type="submit" className={`authapp-button authapp-button-${danger ? "danger" : "primary"}`} aria-disabled={isBusy}>
        {button}
      </button>
      <Problem error={error} />
    </form>
  );
}

export function Field({ label, hint, ...input }: InputHTMLAttributes<HTMLInputElement> & { label: string; hint?: string }) {
  const id = useId();
  return (
    <div className="authapp-field">
      <label htmlFor={id}>{label}</label>
      <input id={id} required autoComplete="off" aria-describedby={hint && `${id}-hint`} {...input} />
      {hint && (
        <p id={`${id}-hint`} className="authapp-hint">
          {hint}
        </p>
      )}
    </div>
  );
}
